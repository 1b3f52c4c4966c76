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

/** At /api/v2/knowledge-bases: what searches them. */
export const knowledgeSearch = new Hono<AppEnv>();

knowledgeSearch.post(
  "/:id/query",
  route(
    {
      id: "queryKnowledgeBase",
      summary: "Find the passages that fit a question best",
      description:
        "`hybrid` fuses the places that a passage has by meaning and by words. A `model` can add other words for what is asked, and put the passages in order; where it fails, `warnings` says so, and the passages are those found without it.",
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
      summary: "Measure how well a knowledge base finds what answers questions",
      description:
        "With questions of yours and what the passages are known by that answer them, or with questions that a `model` makes up, each from one passage, which alone counts as its answer.",
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
