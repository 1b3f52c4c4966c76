import { Hono } from "hono";
import { requirePermission } from "../../auth/middleware.ts";
import { requireUserId } from "../../auth/current-user.ts";
import { route, type AppEnv } from "../../http/route.ts";
import { downloadHeaders } from "../../kit/http/content-disposition.ts";
import { IdParam } from "../../kit/http/zod-schemas.ts";
import * as z from "zod";
import * as s from "../schemas.ts";
import { getReport, linkDownload, listRows, openDownload } from "./service.ts";

const ok = { success: true as const };
const tag = "Datasets";
const reading = requirePermission("datasets.read");

/** At /api/v2/datasets: the content of a dataset. */
export const datasetContents = new Hono<AppEnv>();

datasetContents.get(
  "/:id/rows",
  route(
    {
      id: "listDatasetRows",
      summary: "List the rows of a dataset, and why some were dropped",
      tag,
      access: reading,
      params: IdParam,
      query: s.RowsQuery,
      reply: s.DatasetRows,
      errors: ["not_found", "conflict", "files_unavailable", "database_unavailable"],
    },
    async ({ ctx, params, query }) => {
      const { items, ...page } = await listRows(ctx, requireUserId(ctx), params.id, { ...query, kept: query.kept === "true" });
      return { ...ok, rows: items, ...page };
    },
  ),
);

datasetContents.get(
  "/:id/report",
  route(
    {
      id: "getDatasetReport",
      summary: "Get the quality report of a dataset",
      description: "Lists what could not be parsed and which rows were dropped.",
      tag,
      access: reading,
      params: IdParam,
      reply: s.ReportReply,
      errors: ["not_found", "conflict", "database_unavailable"],
    },
    async ({ ctx, params }) => ({ ...ok, report: await getReport(ctx, requireUserId(ctx), params.id) }),
  ),
);

datasetContents.get(
  "/:id/download",
  route(
    {
      id: "linkDatasetDownload",
      summary: "Create a download URL for the file of a dataset (valid one minute)",
      tag,
      access: reading,
      params: IdParam,
      reply: s.DownloadReply,
      errors: ["not_found", "database_unavailable"],
    },
    async ({ ctx, params }) => ({ ...ok, ...(await linkDownload(ctx, requireUserId(ctx), params.id)) }),
  ),
);

/** At /api/v2/dataset-files. */
export const datasetFiles = new Hono<AppEnv>();

datasetFiles.get(
  "/:dataset_id",
  route(
    {
      id: "downloadDataset",
      summary: "Download the file of a dataset with the ticket of its download URL",
      tag,
      params: s.FileParams,
      query: s.FileQuery,
      reply: z.string().meta({ format: "binary" }),
      fileTypes: ["application/octet-stream"],
      errors: ["unauthenticated", "not_found", "files_unavailable", "database_unavailable"],
    },
    async ({ ctx, params, query }) => {
      const { name, format, size, body } = await openDownload(ctx, params.dataset_id, query.ticket);
      const file = `${name}${format === null ? "" : `.${format}`}`;
      const headers = { ...downloadHeaders(file, "application/octet-stream"), "content-length": String(size) };
      return new Response(body, { headers });
    },
  ),
);
