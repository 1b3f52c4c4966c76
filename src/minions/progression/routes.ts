import { Hono } from "hono";
import * as z from "zod";
import { requirePermission } from "../../auth/middleware.ts";
import { requireUserId } from "../../auth/current-user.ts";
import { catalogErrors } from "../../catalog/errors.ts";
import { route, type AppEnv } from "../../http/route.ts";
import { IdParam, PageQuery } from "../../kit/http/zod-schemas.ts";
import { getExperienceEvent, grantByAdmin, listExperience } from "./experience.ts";
import { readLeaderboard } from "./leaderboard.ts";
import { listScores, getProgression } from "./service.ts";
import * as s from "../schemas.ts";
import * as replies from "./schemas.ts";
import { getMinion } from "../queries.ts";
import { scoreFields } from "./views.ts";

const ok = { success: true as const };
const tag = "Progression";
const readingOne = requirePermission("minions.read", { minionToken: true });
const outage = [catalogErrors.catalog_unavailable, "database_unavailable"] as const;

/** At /api/v2/minions, before the paths that hold an id. */
export const progression = new Hono<AppEnv>();

progression.get(
  "/scores",
  route(
    {
      id: "listScores",
      summary: "List the scores of your minions",
      tag,
      access: requirePermission("minions.read"),
      reply: replies.ScoreList,
      errors: outage,
    },
    async ({ ctx }) => {
      const scores = await listScores(ctx, requireUserId(ctx));
      return { ...ok, scores, total: scores.length };
    },
  ),
);

progression.get(
  "/leaderboard",
  route(
    {
      id: "getLeaderboard",
      summary: "List the leaderboard of public minions by experience",
      description:
        "The leaderboard is computed every five minutes. A cursor stays on the same leaderboard and is valid for one hour.",
      tag,
      query: s.LeaderboardQuery,
      reply: replies.Leaderboard,
      errors: outage,
    },
    async ({ ctx, query }) => ({ ...ok, ...(await readLeaderboard(ctx, query)) }),
  ),
);

progression.get(
  "/:id/xp",
  route(
    {
      id: "listExperience",
      summary: "List a minion's experience events, newest first",
      tag,
      access: readingOne,
      params: IdParam,
      query: z.object(PageQuery),
      reply: replies.XpHistory,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params, query }) => ({ ...ok, ...(await listExperience(ctx, requireUserId(ctx), params.id, query)) }),
  ),
);

progression.get(
  "/:id/score",
  route(
    {
      id: "getScore",
      summary: "Get a minion's score and its breakdown",
      tag,
      access: readingOne,
      params: IdParam,
      reply: replies.ScoreReply,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params }) => ({ ...ok, ...scoreFields((await getMinion(ctx, requireUserId(ctx), params.id)).row) }),
  ),
);

/** At /api/v2/me. */
export const myProgression = new Hono<AppEnv>();

myProgression.get(
  "/progression",
  route(
    {
      id: "getProgression",
      summary: "Get your rank and level, and what unlocks next",
      description: "Your experience is the sum over all your minions, including deleted ones. A rank never falls.",
      tag,
      access: requirePermission("minions.read"),
      reply: replies.Progression,
      errors: outage,
    },
    async ({ ctx }) => ({ ...ok, ...(await getProgression(ctx, requireUserId(ctx))) }),
  ),
);

/** At /api/v2/admin/minions. */
export const experienceAdmin = new Hono<AppEnv>();

experienceAdmin.post(
  "/:id/xp",
  route(
    {
      id: "grantExperience",
      summary: "Grant experience to a minion, with a reason",
      tag: "Administration",
      access: requirePermission("admin.write", { sensitive: true }),
      params: IdParam,
      body: s.AdminXpBody,
      replayResponse: async ({ ctx, resultId }) => ({ ...ok, event: await getExperienceEvent(ctx, Number(resultId)) }),
      reply: replies.XpEventReply,
      status: 201,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params, body }) => ({ ...ok, event: await grantByAdmin(ctx, params.id, body) }),
  ),
);
