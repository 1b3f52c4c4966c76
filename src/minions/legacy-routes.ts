import { Hono } from "hono";
import { requirePathUser } from "../auth/current-user.ts";
import { recognizeCaller, requirePermission } from "../auth/middleware.ts";
import { catalogErrors } from "../catalog/errors.ts";
import { route, type AppEnv } from "../http/route.ts";
import { modelErrors } from "../models/errors.ts";
import { classStatistics } from "./class-statistics.ts";
import { minionErrors } from "./errors.ts";
import { listMinions } from "./list-minions.ts";
import { getMinion } from "./queries.ts";
import * as s from "./schemas.ts";
import { changeMinion, createMinion, toggleFavorite } from "./service.ts";
import { createMinionToken } from "./tokens.ts";
import { minionTraits, putTraits } from "./traits/service.ts";
import { minionReply, toMinion } from "./view.ts";

/** Paths of the previous server. Each does what the canonical route does, for the user in the path. */

const ok = { success: true as const };
const tag = "Aliases";
const reading = requirePermission("minions.read");
const writing = requirePermission("minions.write");
const recognizing = recognizeCaller("minions.read");
const outage = [catalogErrors.catalog_unavailable, "database_unavailable"] as const;
const whose = "The user is you, or any user if you are an administrator.";

/** At /api/v2/classes, before the classes by name. */
export const classesOfMinions = new Hono<AppEnv>();

classesOfMinions.get(
  "/statistics",
  route(
    {
      id: "getClassStatistics",
      summary: "Count the classes, and your minions that have one",
      tag,
      access: recognizing,
      reply: s.ClassStatistics,
      errors: outage,
    },
    async ({ ctx, c }) => ({ ...ok, statistics: await classStatistics(ctx.withActor(await recognizing.admit(c))) }),
  ),
);

/** At /api/v2/users. */
export const userMinions = new Hono<AppEnv>();

userMinions.get(
  "/:user_id/minions",
  route(
    {
      id: "listMinionsOfUser",
      summary: "List a user's minions",
      description: `${whose} Use \`GET /minions\` instead.`,
      tag,
      access: reading,
      params: s.UserParams,
      query: s.MinionsQuery,
      reply: s.UserMinionList,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params, query }) => {
      const user_id = requirePathUser(ctx, params.user_id, { admitsAdmin: true });
      const { catalog, rows, ...page } = await listMinions(ctx, user_id, query);
      return { ...ok, user_id, minions: rows.map((row) => toMinion(catalog, row)), ...page };
    },
  ),
);

const created = "Minion created.";

userMinions.post(
  "/:user_id/minions",
  route(
    {
      id: "createMinionOfUser",
      summary: "Create a minion",
      description: "Use `POST /minions` instead.",
      tag,
      access: writing,
      params: s.UserParams,
      unknownKeys: "ignoreTopLevel",
      body: s.NewUserMinion,
      replayResponse: async ({ ctx, params, resultId }) => {
        const { minion } = minionReply(await getMinion(ctx, requirePathUser(ctx, params.user_id), Number(resultId)));
        return { ...ok, minion, minion_id: minion.id, message: created };
      },
      reply: s.UserMinionReply,
      status: 201,
      errors: [
        "not_found",
        minionErrors.minion_limit_reached,
        modelErrors.display_name_taken,
        minionErrors.spirit_locked,
        minionErrors.spirit_not_owned,
        minionErrors.spirit_limit_reached,
        ...outage,
      ],
    },
    async ({ ctx, params, body }) => {
      const { skipped: _, ...found } = await createMinion(ctx, requirePathUser(ctx, params.user_id), {
        ...body,
        display_name: body.display_name ?? body.name,
      });
      const { minion } = minionReply(found);
      return { ...ok, minion, minion_id: minion.id, message: created };
    },
  ),
);

userMinions.get(
  "/:user_id/minions/health",
  route(
    {
      id: "getMinionHealthOfUser",
      summary: "Check minion health and count a user's minions",
      description: whose,
      tag,
      access: reading,
      params: s.UserParams,
      reply: s.UserMinionHealth,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params }) => {
      const user_id = requirePathUser(ctx, params.user_id, { admitsAdmin: true });
      const { total } = await listMinions(ctx, user_id, { limit: 1, sort: "newest", deleted: false });
      return { ...ok, message: "Minions are available.", total_minions: total, status: "operational" as const };
    },
  ),
);

userMinions.get(
  "/:user_id/minions/:id",
  route(
    {
      id: "getMinionOfUser",
      summary: "Get a user's minion",
      description: `${whose} Use \`GET /minions/{id}\` instead.`,
      tag,
      access: reading,
      params: s.UserMinionParams,
      reply: s.MinionReply,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params }) =>
      minionReply(await getMinion(ctx, requirePathUser(ctx, params.user_id, { admitsAdmin: true }), params.id)),
  ),
);

userMinions.put(
  "/:user_id/minions/:id",
  route(
    {
      id: "updateMinionOfUser",
      summary: "Update a minion",
      description: "Use `PATCH /minions/{id}` instead.",
      tag,
      access: writing,
      params: s.UserMinionParams,
      unknownKeys: "ignoreTopLevel",
      body: s.MinionChange,
      reply: s.UserMinionChanged,
      errors: ["not_found", modelErrors.display_name_taken, ...outage],
    },
    async ({ ctx, params, body }) => {
      const found = await changeMinion(ctx, requirePathUser(ctx, params.user_id), params.id, body, undefined);
      const { minion } = minionReply(found);
      const updated_fields = Object.keys(body);
      return { ...ok, message: "Minion updated.", minion_id: minion.id, minion, updated_fields, score_updated: true };
    },
  ),
);

userMinions.put(
  "/:user_id/minions/:id/traits",
  route(
    {
      id: "putTraitsOfUser",
      summary: "Replace a minion's traits",
      description: "Use `PUT /minions/{id}/traits` instead.",
      tag,
      access: writing,
      params: s.UserMinionParams,
      unknownKeys: "ignoreTopLevel",
      body: s.TraitIntensities,
      reply: s.UserTraitsChanged,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params, body }) => {
      const found = await putTraits(ctx, requirePathUser(ctx, params.user_id), params.id, body.traits_intensities);
      return { ...ok, ...minionTraits(found), message: "Traits updated.", minion_id: params.id, score_updated: true };
    },
  ),
);

userMinions.post(
  "/:user_id/minions/:id/toggle-favorite",
  route(
    {
      id: "toggleFavoriteMinionOfUser",
      summary: "Add a minion to your favorites, or remove it",
      description: "Use `POST /minions/{id}/toggle-favorite` instead.",
      tag,
      access: writing,
      params: s.UserMinionParams,
      reply: s.FavoriteReply,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params }) => {
      const { row } = await toggleFavorite(ctx, requirePathUser(ctx, params.user_id), params.id);
      const message = row.is_favorite ? "Added to your favorites." : "Removed from your favorites.";
      return { ...ok, message, is_favorite: row.is_favorite };
    },
  ),
);

const tokenMessage = "The token is shown once. The previous token is revoked.";

userMinions.post(
  "/:user_id/minions/:id/regenerate-token",
  route(
    {
      id: "regenerateTokenOfUser",
      summary: "Create an access token for one minion; the token is shown once",
      description: "Use `POST /minions/{id}/token` instead.",
      tag,
      access: requirePermission("minions.write", { sensitive: true }),
      params: s.UserMinionParams,
      reply: s.UserTokenReply,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params }) => {
      const new_token = await createMinionToken(ctx, requirePathUser(ctx, params.user_id), params.id);
      return { ...ok, new_token, message: tokenMessage };
    },
  ),
);
