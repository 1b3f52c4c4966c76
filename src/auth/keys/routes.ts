import { Hono } from "hono";
import { route, type AppEnv } from "../../http/route.ts";
import { createApiKey, getApiKey, listApiKeys, revokeApiKey } from "./service.ts";
import { IdParam } from "../../kit/http/zod-schemas.ts";
import { requirePermission } from "../middleware.ts";
import * as s from "../schemas.ts";
import { maxApiKeys } from "../constants.ts";
import { requireSession, requireUserId } from "../current-user.ts";

const ok = { success: true as const };
const outage = ["database_unavailable"] as const;

/** At /api/v2/api-keys. */
export const apiKeys = new Hono<AppEnv>();

apiKeys.get(
  "/",
  route(
    {
      id: "listApiKeys",
      summary: "List your API keys, newest first",
      tag: "API keys",
      access: requirePermission("account.read", { sensitive: true }),
      query: s.ApiKeysQuery,
      reply: s.ApiKeyList,
      errors: outage,
    },
    async ({ ctx, query }) => ({ ...ok, ...(await listApiKeys(ctx, requireUserId(ctx), query)) }),
  ),
);

apiKeys.post(
  "/",
  route(
    {
      id: "createApiKey",
      summary: "Create an API key; the reply is the only one that contains the key",
      description: `A user can have at most ${maxApiKeys} API keys.`,
      replayResponse: async ({ ctx, resultId }) => ({
        ...ok,
        api_key: await getApiKey(ctx, requireUserId(ctx), Number(resultId)),
        key: null,
      }),
      tag: "API keys",
      access: requirePermission("account.write", { sensitive: true }),
      body: s.NewApiKeyBody,
      reply: s.ApiKeyCreated,
      status: 201,
      errors: ["conflict", ...outage],
    },
    async ({ ctx, body }) => ({ ...ok, ...(await createApiKey(ctx, requireSession(ctx), body)) }),
  ),
);

apiKeys.delete(
  "/:id",
  route(
    {
      id: "revokeApiKey",
      summary: "Revoke an API key",
      tag: "API keys",
      access: requirePermission("account.write", { sensitive: true }),
      params: IdParam,
      reply: s.Done,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params }) => {
      await revokeApiKey(ctx, requireUserId(ctx), params.id);
      return { ...ok, message: "The API key is revoked." };
    },
  ),
);
