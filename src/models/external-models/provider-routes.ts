import { Hono } from "hono";
import { recognizeCaller, requirePermission } from "../../auth/middleware.ts";
import { requireUserId } from "../../auth/current-user.ts";
import { route, type AppEnv } from "../../http/route.ts";
import { AppError } from "../../kit/errors.ts";
import { IdParam } from "../../kit/http/zod-schemas.ts";
import { limited } from "../../limits/middleware.ts";
import { publicModelList, readModelList } from "../providers/model-list-cache.ts";
import { syncNvidia, syncNvidiaModel } from "./nvidia-sync.ts";
import { toExternalModel } from "../queries.ts";
import { allowanceErrors, providerErrors } from "../errors.ts";
import * as s from "../schemas.ts";
import { countModels } from "./service.ts";
import { listProviders } from "../providers/provider-list.ts";
import { testModel } from "./test-model.ts";

const ok = { success: true as const };
const tag = "Models";
const reading = requirePermission("models.read");
const writing = requirePermission("models.write");
const countsModels = recognizeCaller("models.read");
const limit = limited("expensive");

/** At /api/v2/external-models: the routes that call or list providers. */
export const providerCalls = new Hono<AppEnv>();

providerCalls.get(
  "/providers",
  route(
    { id: "listProviders", summary: "List the providers and their availability", tag, reply: s.ProviderList },
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
      summary: "List the models of a provider",
      description:
        "For providers with a public model list. The list is cached for an hour, and longer while the provider is unavailable; see `asked_at`.",
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
      summary: "Check external model health and count your models",
      description: "`total_models` is 0 for an anonymous caller.",
      tag: "Health",
      access: countsModels,
      reply: s.ModelsHealth,
      errors: ["database_unavailable"],
    },
    async ({ ctx, c }) => {
      try {
        const total_models = await countModels(ctx.withActor(await countsModels.admit(c)));
        return { ...ok, message: "External models are available.", total_models, status: "operational" as const };
      } catch (cause) {
        const detail = "External models are unavailable. Try again later.";
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
      summary: "Test a model with one real call",
      description:
        "Tests one of your models by `model_id`, or any model described in the body. If the provider refuses, the status is 200 with `success: false`.",
      tag,
      access: writing,
      limit,
      unknownKeys: "ignoreTopLevel",
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
      summary: "Refresh all your NVIDIA models from the NIM list",
      tag,
      access: writing,
      limit,
      reply: s.SyncReply,
      errors: ["database_unavailable"],
    },
    async ({ ctx }) => {
      const { results, models_synced, fault } = await syncNvidia(ctx, requireUserId(ctx));
      const total = Object.keys(results).length;
      const summary = total === 0 ? "You have no NVIDIA models." : `${models_synced} of ${total} models refreshed.`;
      return { ...ok, message: fault === undefined ? summary : `${summary} ${fault}`, models_synced, results };
    },
  ),
);

providerCalls.post(
  "/:id/sync-nvidia",
  route(
    {
      id: "syncNvidiaModel",
      summary: "Refresh one of your NVIDIA models from the NIM list",
      tag,
      access: writing,
      limit,
      params: IdParam,
      reply: s.ModelChanged,
      errors: ["not_found", "conflict", ...Object.values(providerErrors), "database_unavailable"],
    },
    async ({ ctx, params }) => {
      const model = toExternalModel(ctx, await syncNvidiaModel(ctx, requireUserId(ctx), params.id));
      return { ...ok, message: "Model refreshed.", model };
    },
  ),
);
