import { Hono } from "hono";
import { requirePermission } from "../auth/middleware.ts";
import { requireUserId } from "../auth/current-user.ts";
import { route, type AppEnv } from "../http/route.ts";
import { AppError } from "../kit/errors.ts";
import { IdParam } from "../kit/http/zod-schemas.ts";
import { maxUploadBytes } from "./constants.ts";
import { datasetOf, getDataset } from "./queries.ts";
import * as s from "./schemas.ts";
import {
  changeDataset,
  countDatasets,
  deleteDataset,
  listDatasets,
  loadDataset,
  toggleFavorite,
  uploadDataset,
} from "./service.ts";
import { fileFormats } from "./formats/registry.ts";

const ok = { success: true as const };
const tag = "Datasets";
const reading = requirePermission("datasets.read");
const writing = requirePermission("datasets.write");

const labels = fileFormats.map(({ label }) => label);

/** At /api/v2/datasets. */
export const datasets = new Hono<AppEnv>();

datasets.get(
  "/health",
  route(
    {
      id: "getDatasetHealth",
      summary: "Tell whether datasets can be read, and how many there are",
      tag: "Health",
      reply: s.DatasetsHealth,
      errors: ["database_unavailable"],
    },
    async ({ ctx }) => {
      try {
        const total_datasets = await countDatasets(ctx);
        return { ...ok, message: "Datasets can be read.", total_datasets, status: "operational" as const };
      } catch (cause) {
        const detail = "Datasets cannot be read.";
        throw new AppError("database_unavailable", detail, { cause, extensions: { message: detail, status: "error" } });
      }
    },
  ),
);

datasets.get(
  "/",
  route(
    {
      id: "listDatasets",
      summary: "List your datasets and the public ones",
      tag,
      access: reading,
      query: s.DatasetsQuery,
      reply: s.DatasetList,
      errors: ["database_unavailable"],
    },
    async ({ ctx, query }) => {
      const userId = requireUserId(ctx);
      const { items, ...page } = await listDatasets(ctx, userId, query);
      const message = page.total === 1 ? "There is one dataset." : `There are ${page.total} datasets.`;
      return { ...ok, datasets: items.map((row) => datasetOf(row, userId)), ...page, message };
    },
  ),
);

datasets.post(
  "/",
  route(
    {
      id: "uploadDataset",
      summary: "Upload a dataset of up to 10 MiB",
      description:
        `${labels.slice(0, -1).join(", ")} or ${labels.at(-1)}, judged by its content. It is read by a job: ` +
        "`processing_status` says how far that is. The same bytes again are the dataset that is there, with 200. Larger files come in parts.",
      tag,
      access: writing,
      upload: { field: "file", maxBytes: maxUploadBytes, types: ["application/octet-stream"] },
      body: s.UploadFields,
      reply: s.DatasetReply,
      status: 202,
      errors: ["conflict", "files_unavailable", "database_unavailable"],
    },
    async ({ ctx, c, file, fileName, body }) => {
      const userId = requireUserId(ctx);
      const { row, isNew } = await uploadDataset(ctx, userId, file, { fileName, ...body });
      return c.json({ ...ok, dataset: datasetOf(row, userId) }, isNew ? 202 : 200);
    },
  ),
);

datasets.get(
  "/:id",
  route(
    {
      id: "getDataset",
      summary: "Get a dataset",
      tag,
      access: reading,
      params: IdParam,
      reply: s.DatasetReply,
      errors: ["not_found", "database_unavailable"],
    },
    async ({ ctx, c, params }) => {
      const userId = requireUserId(ctx);
      const row = await getDataset(ctx, userId, params.id);
      c.header("etag", `"${row.version}"`);
      return { ...ok, dataset: datasetOf(row, userId) };
    },
  ),
);

datasets.patch(
  "/:id",
  route(
    {
      id: "updateDataset",
      summary: "Rename, describe, tag or publish a dataset",
      tag,
      access: writing,
      ifMatch: true,
      params: IdParam,
      body: s.DatasetChange,
      reply: s.DatasetReply,
      errors: ["not_found", "database_unavailable"],
    },
    async ({ ctx, c, params, body, expectedVersion: seen }) => {
      const userId = requireUserId(ctx);
      const row = await changeDataset(ctx, userId, params.id, body, seen);
      c.header("etag", `"${row.version}"`);
      return { ...ok, dataset: datasetOf(row, userId) };
    },
  ),
);

datasets.delete(
  "/:id",
  route(
    {
      id: "deleteDataset",
      summary: "Delete a dataset",
      description:
        "With its files; not while a job uses it. What knowledge bases were built of it stays in them until it is taken out there.",
      tag,
      access: writing,
      params: IdParam,
      reply: s.DatasetDone,
      errors: ["not_found", "conflict", "database_unavailable"],
    },
    async ({ ctx, params }) => {
      await deleteDataset(ctx, requireUserId(ctx), params.id);
      return { ...ok, message: "The dataset is deleted." };
    },
  ),
);

datasets.post(
  "/:id/favorite",
  route(
    {
      id: "toggleFavoriteDataset",
      summary: "Mark a dataset as a favourite, or no longer",
      tag,
      access: writing,
      params: IdParam,
      reply: s.DatasetFavorite,
      errors: ["not_found", "database_unavailable"],
    },
    async ({ ctx, params }) => {
      const is_favorite = await toggleFavorite(ctx, requireUserId(ctx), params.id);
      return { ...ok, message: is_favorite ? "It is a favourite." : "It is no favourite any more.", is_favorite };
    },
  ),
);

/** At /api/v2/load-dataset. */
export const datasetImports = new Hono<AppEnv>();

datasetImports.post(
  "/",
  route(
    {
      id: "loadDataset",
      summary: "Import a dataset of Hugging Face",
      description:
        "A job fetches its rows from the public dataset server, page by page or out of its Parquet files; `processing_status` and `error` " +
        "of the dataset say how that went. Rows that the server cuts short are problems in the report.",
      tag,
      access: writing,
      body: s.LoadBody,
      reply: s.LoadReply,
      status: 202,
      errors: ["conflict", "database_unavailable"],
    },
    async ({ ctx, body }) => {
      const { id, name, description, sample_count, quality_score, format, tags } = await loadDataset(
        ctx,
        requireUserId(ctx),
        body,
      );
      const dataset = { id, name, description, sample_count, quality_score, format, tags };
      return { ...ok, message: "The dataset is being imported.", dataset };
    },
  ),
);
