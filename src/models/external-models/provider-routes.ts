import { Hono } from "hono";
import { requirePermission } from "../../auth/middleware.ts";
import { requireUserId } from "../../auth/current-user.ts";
import { route, type AppEnv } from "../../http/route.ts";
import { AppError } from "../../kit/errors.ts";
import { IdParam } from "../../kit/http/zod-schemas.ts";
import { limited } from "../../limits/middleware.ts";
import { publicModelList, readModelList } from "../providers/model-list-cache.ts";
import { syncNvidia, syncNvidiaModel } from "./nvidia-sync.ts";
import { modelOf } from "../queries.ts";
import { allowanceErrors, providerErrors } from "../errors.ts";
import * as s from "../schemas.ts";
import { countModels } from "./service.ts";
import { listProviders } from "../providers/provider-list.ts";
import { testModel } from "./test-model.ts";

const ok = { success: true as const };
const tag = "Models";
const reading = requirePermission("models.read");
const writing = requirePermission("models.write");
const limit = limited("expensive");

/** At /api/v2/external-models: what calls providers or tells of them. */
export const providerCalls = new Hono<AppEnv>();

providerCalls.get(
  "/providers",
  route(
    { id: "listProviders", summary: "List the providers, and whether they can be called here", tag, reply: s.ProviderList },
    async ({ ctx }) => {
      const providers = listProviders(ctx);
      return { ...ok, providers, total: providers.length };
    },
  ),
);

providerCalls.get(
  "/providers/:provider/models",
  route(
    {
      id: "listProviderModels",
      summary: "List the models of a provider, with what is known of them",
      description:
        "Of those who list them to anybody. A list is kept for an hour, and longer while its provider does not answer: `asked_at` says how old it is.",
      tag,
      access: reading,
      limit,
      params: s.ProviderParam,
      reply: s.ModelListReply,
      errors: Object.values(providerErrors),
    },
    async ({ ctx, params }) => {
      const list = await readModelList(ctx, publicModelList(ctx, params.provider));
      return { ...ok, ...list, total: list.models.length };
    },
  ),
);

providerCalls.get(
  "/health",
  route(
    {
      id: "getExternalModelHealth",
      summary: "Tell whether models can be read, and how many there are",
      tag: "Health",
      reply: s.ModelsHealth,
      errors: ["database_unavailable"],
    },
    async ({ ctx }) => {
      try {
        const total_models = await countModels(ctx);
        return { ...ok, message: "External models can be read.", total_models, status: "operational" as const };
      } catch (cause) {
        const detail = "External models cannot be read.";
        throw new AppError("database_unavailable", detail, { cause, extensions: { message: detail, status: "error" } });
      }
    },
  ),
);

providerCalls.post(
  "/test",
  route(
    {
      id: "testExternalModel",
      summary: "Call a model once, for real",
      description:
        "One of yours by `model_id`, or one as you describe it. A provider that refuses is 200 with `success: false`.",
      tag,
      access: writing,
      limit,
      body: s.TestBody,
      reply: s.TestReply,
      errors: [
        "not_found",
        allowanceErrors.allowance_exhausted,
        providerErrors.provider_not_configured,
        allowanceErrors.allowance_unavailable,
        "database_unavailable",
      ],
    },
    ({ ctx, body }) => testModel(ctx, requireUserId(ctx), body),
  ),
);

providerCalls.post(
  "/sync-nvidia",
  route(
    {
      id: "syncNvidiaModels",
      summary: "Refresh your NVIDIA models from the NIM list",
      tag,
      access: writing,
      limit,
      reply: s.SyncReply,
      errors: ["database_unavailable"],
    },
    async ({ ctx }) => {
      const { results, models_synced, fault } = await syncNvidia(ctx, requireUserId(ctx));
      const total = Object.keys(results).length;
      const said = total === 0 ? "You have no NVIDIA models." : `${models_synced} of ${total} models are refreshed.`;
      return { ...ok, message: fault === undefined ? said : `${said} ${fault}`, models_synced, results };
    },
  ),
);

providerCalls.post(
  "/:id/sync-nvidia",
  route(
    {
      id: "syncNvidiaModel",
      summary: "Refresh an NVIDIA model of yours from the NIM list",
      tag,
      access: writing,
      limit,
      params: IdParam,
      reply: s.ModelChanged,
      errors: ["not_found", "conflict", ...Object.values(providerErrors), "database_unavailable"],
    },
    async ({ ctx, params }) => {
      const model = modelOf(ctx, await syncNvidiaModel(ctx, requireUserId(ctx), params.id));
      return { ...ok, message: "The model is refreshed.", model };
    },
  ),
);
