import { Hono } from "hono";
import { requirePermission } from "../auth/middleware.ts";
import { requirePathUser, requireUserId } from "../auth/current-user.ts";
import { route, type AppEnv } from "../http/route.ts";
import { AppError } from "../kit/errors.ts";
import { IdParam } from "../kit/http/zod-schemas.ts";
import { maxUploadBytes, uploadTypes } from "./constants.ts";
import { datasetOf, getDataset } from "./queries.ts";
import * as s from "./schemas.ts";
import {
  changeDataset,
  countPublicDatasets,
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

const foundMessage = (total: number) => (total === 1 ? "1 dataset found." : `${total} datasets found.`);

/** At /api/v2/datasets. */
export const datasets = new Hono<AppEnv>();

datasets.get(
  "/health",
  route(
    {
      id: "getDatasetHealth",
      summary: "Check dataset health and count the public datasets",
      tag: "Health",
      reply: s.DatasetsHealth,
      errors: ["database_unavailable"],
    },
    async ({ ctx }) => {
      try {
        const total_datasets = await countPublicDatasets(ctx);
        return { ...ok, message: "Datasets are available.", total_datasets, status: "operational" as const };
      } catch (cause) {
        const detail = "Datasets are unavailable.";
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
      return { ...ok, datasets: items.map((row) => datasetOf(row, userId)), ...page, message: foundMessage(page.total) };
    },
  ),
);

datasets.post(
  "/",
  route(
    {
      id: "uploadDataset",
      summary: `Upload a dataset of up to ${maxUploadBytes / 2 ** 20} MiB`,
      description:
        `${labels.slice(0, -1).join(", ")} or ${labels.at(-1)}; the type is detected from the content. Send a form, or the bytes of the file; JSON is refused with 415. A job parses the file: ` +
        "see `processing_status`. If you already have a dataset with the same content, that one is returned with 200. Upload larger files in parts.",
      tag,
      access: writing,
      upload: { field: "file", maxBytes: maxUploadBytes, types: uploadTypes },
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
    async ({ ctx, c, params, body, expectedVersion }) => {
      const userId = requireUserId(ctx);
      const row = await changeDataset(ctx, userId, params.id, body, expectedVersion);
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
        "Deletes its files too. Fails while its import or another job reads the dataset; `used_by` then lists what reads it. Knowledge bases keep its passages until you remove the dataset from them.",
      tag,
      access: writing,
      params: IdParam,
      reply: s.DatasetDone,
      errors: ["not_found", "conflict", "database_unavailable"],
    },
    async ({ ctx, params }) => {
      await deleteDataset(ctx, requireUserId(ctx), params.id);
      return { ...ok, message: "The dataset was deleted." };
    },
  ),
);

datasets.post(
  "/:id/favorite",
  route(
    {
      id: "toggleFavoriteDataset",
      summary: "Add a dataset to your favorites, or remove it",
      tag,
      access: writing,
      params: IdParam,
      reply: s.DatasetFavorite,
      errors: ["not_found", "database_unavailable"],
    },
    async ({ ctx, params }) => {
      const is_favorite = await toggleFavorite(ctx, requireUserId(ctx), params.id);
      return { ...ok, message: is_favorite ? "Added to your favorites." : "Removed from your favorites.", is_favorite };
    },
  ),
);

/** At /api/v2/users: a path of the previous server. */
export const userDatasets = new Hono<AppEnv>();

userDatasets.get(
  "/:user_id/datasets",
  route(
    {
      id: "listDatasetsOfUser",
      summary: "List a user's datasets and the public ones",
      description: "The user is you, or any user if you are an administrator. Use `GET /datasets` instead.",
      tag: "Aliases",
      access: reading,
      params: s.UserDatasetsParams,
      query: s.DatasetsQuery,
      reply: s.UserDatasetList,
      errors: ["not_found", "database_unavailable"],
    },
    async ({ ctx, params, query }) => {
      const user_id = requirePathUser(ctx, params.user_id, { admitsAdmin: true });
      const { items, ...page } = await listDatasets(ctx, user_id, query);
      const list = items.map((row) => ({ ...datasetOf(row, user_id), user_id: row.user_id }));
      return { ...ok, datasets: list, user_id, ...page, message: foundMessage(page.total) };
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
      summary: "Import a dataset from Hugging Face",
      description:
        "A job fetches the rows from the public dataset server, page by page or from its Parquet files. See `processing_status` and `error` " +
        "of the dataset for the result. Rows that the server truncates are listed as problems in the report.",
      tag,
      access: writing,
      unknownKeys: "ignoreTopLevel",
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
      return { ...ok, message: "The import has started.", dataset };
    },
  ),
);
