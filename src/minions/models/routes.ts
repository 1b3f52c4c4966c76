import { Hono } from "hono";
import { requirePermission } from "../../auth/middleware.ts";
import { requireUserId } from "../../auth/current-user.ts";
import { route, type AppEnv } from "../../http/route.ts";
import { AppError } from "../../kit/errors.ts";
import * as s from "../../models/schemas.ts";
import { countModels } from "../../models/external-models/service.ts";
import { ModelDetails } from "./schemas.ts";
import { findModel, listAllModels } from "./service.ts";

const ok = { success: true as const };
const tag = "Models";
const reading = requirePermission("models.read");

/** At /api/v2/models: all usable models, with the experience of the caller's minions. */
export const allModels = new Hono<AppEnv>();

allModels.get(
  "/",
  route(
    {
      id: "listModels",
      summary: "List your models and the built-in models",
      tag,
      access: reading,
      reply: s.AllModels,
      errors: ["database_unavailable"],
    },
    async ({ ctx }) => ({ ...ok, ...(await listAllModels(ctx, requireUserId(ctx))) }),
  ),
);

allModels.get(
  "/health",
  route(
    {
      id: "getModelHealth",
      summary: "Check model list health",
      tag: "Health",
      reply: s.AllModelsHealth,
      errors: ["database_unavailable"],
    },
    async ({ ctx }) => {
      try {
        await countModels(ctx);
        return { ...ok, message: "The model list is available.", service: "models", status: "operational" as const };
      } catch (cause) {
        const detail = "The model list is unavailable.";
        throw new AppError("database_unavailable", detail, {
          cause,
          extensions: { message: detail, service: "models", status: "error" },
        });
      }
    },
  ),
);

allModels.get(
  "/:name{.+}/details",
  route(
    {
      id: "getModelDetails",
      summary: "Get the details of a model by name or display name",
      description: "For clients of the previous server. `GET /models/{name}` has the same model.",
      tag: "Aliases",
      access: reading,
      params: s.ModelNameParam,
      reply: ModelDetails,
      errors: ["not_found", "database_unavailable"],
    },
    async ({ ctx, params }) => {
      const model = await findModel(ctx, requireUserId(ctx), params.name);
      const parameters_config = { temperature: model.temperature, top_p: model.top_p };
      if (model.type === "ollama") {
        return {
          ...ok,
          model_name: model.name,
          model_type: model.type,
          details: { ...model, model_type: model.type, parameters_config },
        };
      }
      return {
        ...ok,
        model_name: model.name,
        model_type: model.type,
        details: { ...model, model_type: model.type, parameters_config },
      };
    },
  ),
);

allModels.get(
  "/:name{.+}",
  route(
    {
      id: "getModel",
      summary: "Get a model by name or display name",
      description: "If several models match, your own newest one is returned.",
      tag,
      access: reading,
      params: s.ModelNameParam,
      reply: s.AnyModelReply,
      errors: ["not_found", "database_unavailable"],
    },
    async ({ ctx, params }) => ({ ...ok, model: await findModel(ctx, requireUserId(ctx), params.name) }),
  ),
);
