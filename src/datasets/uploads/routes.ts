import { Hono } from "hono";
import { requirePermission } from "../../auth/middleware.ts";
import { requireUserId } from "../../auth/current-user.ts";
import { route, type AppEnv } from "../../http/route.ts";
import { IdParam } from "../../kit/http/zod-schemas.ts";
import { maxUploads, partBytes, uploadHours } from "../constants.ts";
import { datasetOf } from "../queries.ts";
import * as s from "../schemas.ts";
import { abortUpload, completeUpload, createUpload, getUpload, putPart, uploadOf } from "./service.ts";

const ok = { success: true as const };
const tag = "Datasets";
const writing = requirePermission("datasets.write");

/** At /api/v2/datasets/uploads: uploads of large files in parts. */
export const datasetUploads = new Hono<AppEnv>();

datasetUploads.post(
  "/",
  route(
    {
      id: "createDatasetUpload",
      summary: "Start an upload in parts",
      description: `Send each part, in any order, then complete the upload. At most ${maxUploads} uploads at once. An upload expires after ${uploadHours} hours.`,
      tag,
      access: writing,
      body: s.NewUpload,
      replayResponse: async ({ ctx, resultId }) => ({
        ...ok,
        upload: uploadOf(await getUpload(ctx, requireUserId(ctx), Number(resultId))),
      }),
      reply: s.UploadReply,
      status: 201,
      errors: ["conflict", "database_unavailable"],
    },
    async ({ ctx, body }) => ({ ...ok, upload: uploadOf(await createUpload(ctx, requireUserId(ctx), body)) }),
  ),
);

datasetUploads.get(
  "/:id",
  route(
    {
      id: "getDatasetUpload",
      summary: "Get an upload and its received parts",
      tag,
      access: writing,
      params: IdParam,
      reply: s.UploadReply,
      errors: ["not_found", "database_unavailable"],
    },
    async ({ ctx, params }) => ({ ...ok, upload: uploadOf(await getUpload(ctx, requireUserId(ctx), params.id)) }),
  ),
);

datasetUploads.put(
  "/:id/parts/:part",
  route(
    {
      id: "putDatasetPart",
      summary: "Upload a part",
      description: "The body is the raw bytes. Sending a part again replaces it.",
      tag,
      access: writing,
      params: s.PartParams,
      upload: { field: "part", maxBytes: partBytes, types: ["application/octet-stream"] },
      reply: s.UploadReply,
      errors: ["not_found", "files_unavailable", "database_unavailable"],
    },
    async ({ ctx, params, file }) => ({
      ...ok,
      upload: uploadOf(await putPart(ctx, requireUserId(ctx), params.id, params.part, file)),
    }),
  ),
);

datasetUploads.post(
  "/:id/complete",
  route(
    {
      id: "completeDatasetUpload",
      summary: "Complete an upload and create its dataset",
      description:
        "All parts must be uploaded. A job parses the file. If you already have a dataset with the same content, that one is returned with 200.",
      tag,
      access: writing,
      params: IdParam,
      reply: s.DatasetReply,
      status: 202,
      errors: ["not_found", "conflict", "database_unavailable"],
    },
    async ({ ctx, c, params }) => {
      const userId = requireUserId(ctx);
      const { row, isNew } = await completeUpload(ctx, userId, params.id);
      return c.json({ ...ok, dataset: datasetOf(row, userId) }, isNew ? 202 : 200);
    },
  ),
);

datasetUploads.delete(
  "/:id",
  route(
    {
      id: "abortDatasetUpload",
      summary: "Abort an upload and delete its parts",
      tag,
      access: writing,
      params: IdParam,
      reply: s.DatasetDone,
      errors: ["not_found", "database_unavailable"],
    },
    async ({ ctx, params }) => {
      await abortUpload(ctx, requireUserId(ctx), params.id);
      return { ...ok, message: "The upload was aborted and its parts are being deleted." };
    },
  ),
);
