import { Hono } from "hono";
import { requirePermission } from "../../auth/middleware.ts";
import { requireUserId } from "../../auth/current-user.ts";
import { route, type AppEnv } from "../../http/route.ts";
import { imageTypes } from "../../kit/storage/image-type.ts";
import { maxPictureBytes } from "../../kit/storage/avatars.ts";
import { IdParam } from "../../kit/http/zod-schemas.ts";
import { modelOf } from "../queries.ts";
import * as s from "../schemas.ts";
import {
  changeModel,
  createModel,
  deleteModel,
  getModel,
  listModels,
  maxModels,
  putModelAvatar,
  toggleFavorite,
} from "./service.ts";
import { modelErrors } from "../errors.ts";

const ok = { success: true as const };
const tag = "Models";
const reading = requirePermission("models.read");
const writing = requirePermission("models.write");

/** At /api/v2/external-models, after the fixed paths of `provider-routes.ts`. */
export const externalModels = new Hono<AppEnv>();

externalModels.get(
  "/",
  route(
    {
      id: "listExternalModels",
      summary: "List your models",
      tag,
      access: reading,
      query: s.ModelsQuery,
      reply: s.ModelList,
      errors: ["database_unavailable"],
    },
    async ({ ctx, query }) => {
      const { items, ...page } = await listModels(ctx, requireUserId(ctx), query);
      return { ...ok, models: items.map((row) => modelOf(ctx, row)), ...page };
    },
  ),
);

const connected = "The model is connected.";

externalModels.post(
  "/",
  route(
    {
      id: "createExternalModel",
      summary: "Connect a model of a provider, with a key of your own",
      description: `The key is kept encrypted and never shown again. Nothing is called: \`/external-models/test\` does that. At most ${maxModels} models a user.`,
      tag,
      access: writing,
      body: s.NewModel,
      replayResponse: async ({ ctx, resultId: made }) => {
        const model = modelOf(ctx, await getModel(ctx, requireUserId(ctx), Number(made)));
        return { ...ok, message: connected, model_id: model.id, model };
      },
      reply: s.ModelCreated,
      status: 201,
      errors: [modelErrors.model_limit_reached, modelErrors.display_name_taken, "conflict", "database_unavailable"],
    },
    async ({ ctx, body }) => {
      const model = modelOf(ctx, await createModel(ctx, requireUserId(ctx), body));
      return { ...ok, message: connected, model_id: model.id, model };
    },
  ),
);

externalModels.get(
  "/:id",
  route(
    {
      id: "getExternalModel",
      summary: "Get a model of yours",
      tag,
      access: reading,
      params: IdParam,
      reply: s.ModelReply,
      errors: ["not_found", "database_unavailable"],
    },
    async ({ ctx, c, params }) => {
      const model = modelOf(ctx, await getModel(ctx, requireUserId(ctx), params.id));
      c.header("etag", `"${model.version}"`);
      return { ...ok, model };
    },
  ),
);

externalModels.put(
  "/:id",
  route(
    {
      id: "updateExternalModel",
      summary: "Edit a model of yours",
      description:
        "What is left out stays. A stored key goes to no other address than it was given for: with another `provider` or `base_url`, give it again.",
      tag,
      access: writing,
      ifMatch: true,
      params: IdParam,
      body: s.ModelChange,
      reply: s.ModelChanged,
      errors: ["not_found", modelErrors.display_name_taken, "conflict", "database_unavailable"],
    },
    async ({ ctx, c, params, body, expectedVersion: seen }) => {
      const model = modelOf(ctx, await changeModel(ctx, requireUserId(ctx), params.id, body, seen));
      c.header("etag", `"${model.version}"`);
      return { ...ok, message: "The model is changed.", model };
    },
  ),
);

externalModels.delete(
  "/:id",
  route(
    {
      id: "deleteExternalModel",
      summary: "Delete a model of yours, with its key",
      description: "Refused while a minion uses it, one in the bin included.",
      tag,
      access: writing,
      params: IdParam,
      reply: s.ModelDone,
      errors: ["not_found", "conflict", "database_unavailable"],
    },
    async ({ ctx, params }) => {
      await deleteModel(ctx, requireUserId(ctx), params.id);
      return { ...ok, message: "The model is deleted, and its key with it." };
    },
  ),
);

externalModels.post(
  "/:id/toggle-favorite",
  route(
    {
      id: "toggleFavoriteExternalModel",
      summary: "Mark a model as a favourite, or no longer",
      tag,
      access: writing,
      params: IdParam,
      reply: s.FavoriteReply,
      errors: ["not_found", "database_unavailable"],
    },
    async ({ ctx, params }) => {
      const { is_favorite } = await toggleFavorite(ctx, requireUserId(ctx), params.id);
      return { ...ok, message: is_favorite ? "It is a favourite." : "It is no favourite any more.", is_favorite };
    },
  ),
);

externalModels.post(
  "/:id/avatar",
  route(
    {
      id: "putExternalModelAvatar",
      summary: "Give a model a picture",
      description: "PNG, JPEG, GIF or WebP, judged by its content. Its address never shows another picture.",
      tag,
      access: writing,
      params: IdParam,
      upload: { field: "avatar", maxBytes: maxPictureBytes, types: imageTypes },
      reply: s.AvatarReply,
      errors: ["not_found", "files_unavailable", "database_unavailable"],
    },
    async ({ ctx, params, file }) => {
      const { avatar_url } = modelOf(ctx, await putModelAvatar(ctx, requireUserId(ctx), params.id, file));
      return { ...ok, message: "This is its picture now.", avatar_url: avatar_url! };
    },
  ),
);
