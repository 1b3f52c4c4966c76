import { Hono } from "hono";
import { requirePermission } from "../../auth/middleware.ts";
import { requireUserId } from "../../auth/current-user.ts";
import { route, type AppEnv } from "../../http/route.ts";
import { IdParam } from "../../kit/http/zod-schemas.ts";
import { limited } from "../../limits/middleware.ts";
import { evaluateBase } from "./evaluate.ts";
import { queryBase } from "./query.ts";
import { allowanceErrors, providerErrors } from "../../models/errors.ts";
import * as s from "../schemas.ts";

const ok = { success: true as const };
const tag = "Knowledge";
const reading = requirePermission("datasets.read");

const outage = [
  "not_found",
  ...Object.values(providerErrors),
  allowanceErrors.allowance_exhausted,
  allowanceErrors.allowance_unavailable,
  "database_unavailable",
] as const;

/** At /api/v2/knowledge-bases: the search routes. */
export const knowledgeSearch = new Hono<AppEnv>();

knowledgeSearch.post(
  "/:id/query",
  route(
    {
      id: "queryKnowledgeBase",
      summary: "Search a knowledge base for the best passages",
      description:
        "`hybrid` fuses the semantic rank and the keyword rank of a passage. A `model` can expand the query and rerank the passages. If the model fails, the search continues without it and `warnings` contains the reason.",
      tag,
      access: reading,
      params: IdParam,
      body: s.QueryBody,
      reply: s.PassageList,
      errors: outage,
    },
    async ({ ctx, params, body }) => {
      const { passages, warnings } = await queryBase(ctx, requireUserId(ctx), params.id, body);
      return { ...ok, passages, total: passages.length, ...(warnings.length === 0 ? {} : { warnings }) };
    },
  ),
);

knowledgeSearch.post(
  "/:id/evaluate",
  route(
    {
      id: "evaluateKnowledgeBase",
      summary: "Evaluate the retrieval quality of a knowledge base",
      description:
        "Send your own questions with the passages that answer them, or let a `model` generate the questions, each from one passage. Only that passage counts as relevant.",
      tag,
      access: reading,
      limit: limited("expensive"),
      params: IdParam,
      body: s.EvaluateBody,
      reply: s.EvaluationReply,
      errors: ["conflict", ...outage],
    },
    async ({ ctx, params, body }) => ({ ...ok, ...(await evaluateBase(ctx, requireUserId(ctx), params.id, body)) }),
  ),
);
