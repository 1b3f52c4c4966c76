import { Hono } from "hono";
import { requirePermission } from "../../auth/middleware.ts";
import { requireUserId } from "../../auth/current-user.ts";
import { route, type AppEnv } from "../../http/route.ts";
import { imageTypes } from "../../kit/storage/image-type.ts";
import { maxPictureBytes } from "../../kit/storage/avatars.ts";
import { IdParam } from "../../kit/http/zod-schemas.ts";
import { toExternalModel } from "../queries.ts";
import { serverProviders } from "../providers/providers.ts";
import { openProvider } from "../providers/registry.ts";
import * as s from "../schemas.ts";
import type { ExternalModel } from "../schemas.ts";
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
import { modelFromForm } from "./model-form.ts";
import { ModelStatus } from "./schemas.ts";
import { modelStatus } from "./model-status.ts";

const ok = { success: true as const };
const tag = "Models";
const reading = requirePermission("models.read");
const writing = requirePermission("models.write");
const picture = { field: "avatar", maxBytes: maxPictureBytes, types: imageTypes };

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
      const models = items.map((row) => toExternalModel(ctx, row));
      const message = page.total === 1 ? "1 model found." : `${page.total} models found.`;
      return { ...ok, models, data: models, count: models.length, ...page, message };
    },
  ),
);

/** A model is connected once it has what its provider needs. */
function creationMessage({ provider: name, key_last_four, base_url }: ExternalModel): string {
  const { display_name, requires_api_key, base_url: defaultUrl } = openProvider(name);
  const missing = [
    ...(requires_api_key && key_last_four === null ? ["an API key"] : []),
    ...(defaultUrl === null && base_url === null && !serverProviders.has(name) ? ["a base URL"] : []),
  ];
  return missing.length === 0
    ? "Model connected."
    : `Model saved. ${display_name} requires ${missing.join(" and ")}: add it before you use the model.`;
}

externalModels.post(
  "/",
  route(
    {
      id: "createExternalModel",
      summary: "Connect a provider's model with your own API key",
      description: `The key is stored encrypted and never shown again. The provider is not called; use \`/external-models/test\` for that. At most ${maxModels} models per user. A form has the same fields: \`capabilities\` and \`parameters\` as JSON, \`tags\` separated by commas, or all fields as JSON in \`modelData\`; and a picture in \`avatar\`.`,
      tag,
      access: writing,
      unknownKeys: "ignoreTopLevel",
      body: s.NewModel,
      form: { upload: picture, toJson: modelFromForm },
      replayResponse: async ({ ctx, resultId }) => {
        const model = toExternalModel(ctx, await getModel(ctx, requireUserId(ctx), Number(resultId)));
        return { ...ok, message: creationMessage(model), model_id: model.id, model };
      },
      reply: s.ModelCreated,
      status: 201,
      errors: [
        modelErrors.model_limit_reached,
        modelErrors.display_name_taken,
        "conflict",
        "files_unavailable",
        "database_unavailable",
      ],
    },
    async ({ ctx, body, file }) => {
      const model = toExternalModel(ctx, await createModel(ctx, requireUserId(ctx), body, file));
      return { ...ok, message: creationMessage(model), model_id: model.id, model };
    },
  ),
);

externalModels.get(
  "/:id",
  route(
    {
      id: "getExternalModel",
      summary: "Get one of your models",
      tag,
      access: reading,
      params: IdParam,
      reply: s.ModelReply,
      errors: ["not_found", "database_unavailable"],
    },
    async ({ ctx, c, params }) => {
      const model = toExternalModel(ctx, await getModel(ctx, requireUserId(ctx), params.id));
      c.header("etag", `"${model.version}"`);
      return { ...ok, model };
    },
  ),
);

externalModels.get(
  "/:id/status",
  route(
    {
      id: "getExternalModelStatus",
      summary: "Check whether one of your models has what its provider needs",
      description: "The provider is not called; use `/external-models/test` for that.",
      tag,
      access: reading,
      params: IdParam,
      reply: ModelStatus,
      errors: ["not_found", "database_unavailable"],
    },
    async ({ ctx, params }) => ({ ...ok, ...modelStatus(ctx, await getModel(ctx, requireUserId(ctx), params.id)) }),
  ),
);

externalModels.put(
  "/:id",
  route(
    {
      id: "updateExternalModel",
      summary: "Edit one of your models",
      description:
        "Omitted fields stay unchanged. A stored key is only sent to the address it was entered for: send the key again if you change `provider` or `base_url`.",
      tag,
      access: writing,
      ifMatch: true,
      params: IdParam,
      unknownKeys: "ignoreTopLevel",
      body: s.ModelChange,
      reply: s.ModelChanged,
      errors: ["not_found", modelErrors.display_name_taken, "conflict", "database_unavailable"],
    },
    async ({ ctx, c, params, body, expectedVersion }) => {
      const model = toExternalModel(ctx, await changeModel(ctx, requireUserId(ctx), params.id, body, expectedVersion));
      c.header("etag", `"${model.version}"`);
      return { ...ok, message: "Model updated.", model };
    },
  ),
);

externalModels.delete(
  "/:id",
  route(
    {
      id: "deleteExternalModel",
      summary: "Delete one of your models and its key",
      description: "Fails while a minion uses the model, including a minion in the bin.",
      tag,
      access: writing,
      params: IdParam,
      reply: s.ModelDone,
      errors: ["not_found", "conflict", "database_unavailable"],
    },
    async ({ ctx, params }) => {
      await deleteModel(ctx, requireUserId(ctx), params.id);
      return { ...ok, message: "Model and key deleted." };
    },
  ),
);

externalModels.post(
  "/:id/toggle-favorite",
  route(
    {
      id: "toggleFavoriteExternalModel",
      summary: "Mark or unmark a model as a favorite",
      tag,
      access: writing,
      params: IdParam,
      reply: s.FavoriteReply,
      errors: ["not_found", "database_unavailable"],
    },
    async ({ ctx, params }) => {
      const { is_favorite } = await toggleFavorite(ctx, requireUserId(ctx), params.id);
      return { ...ok, message: is_favorite ? "Model marked as a favorite." : "Model unmarked as a favorite.", is_favorite };
    },
  ),
);

externalModels.post(
  "/:id/avatar",
  route(
    {
      id: "putExternalModelAvatar",
      summary: "Upload a picture for a model",
      description:
        "PNG, JPEG, GIF or WebP; the type is detected from the content. The URL of a picture never changes its content.",
      tag,
      access: writing,
      params: IdParam,
      upload: picture,
      reply: s.AvatarReply,
      errors: ["not_found", "files_unavailable", "database_unavailable"],
    },
    async ({ ctx, params, file }) => {
      const { avatar_url } = toExternalModel(ctx, await putModelAvatar(ctx, requireUserId(ctx), params.id, file));
      return { ...ok, message: "Picture uploaded.", avatar_url: avatar_url! };
    },
  ),
);
