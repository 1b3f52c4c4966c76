import { Hono } from "hono";
import { requirePermission } from "../../auth/middleware.ts";
import { requireUserId } from "../../auth/current-user.ts";
import { catalogErrors } from "../../catalog/errors.ts";
import { route, type AppEnv } from "../../http/route.ts";
import { IdParam } from "../../kit/http/zod-schemas.ts";
import { assignClass, equipSpirit, putLoadout, removeClass, unequipSpirit, getAvailability, listToolUses } from "./service.ts";
import { getMinion, type MinionWithCatalog } from "../queries.ts";
import { availableSpirits, classOf, previewSynergy, toolsOf, spiritsOf } from "./views.ts";
import { minionTraits, putTraits } from "../traits/service.ts";
import * as s from "../schemas.ts";
import { minionErrors } from "../errors.ts";

const ok = { success: true as const };
const tag = "Minions";
const readingOne = requirePermission("minions.read", { minionToken: true });
const writing = requirePermission("minions.write");
const outage = [catalogErrors.catalog_unavailable, "database_unavailable"] as const;
const missing = [minionErrors.spirit_locked, minionErrors.spirit_not_owned, minionErrors.spirit_limit_reached] as const;

function loadoutReply({ catalog, row }: MinionWithCatalog) {
  const spirits = spiritsOf(catalog, row);
  return { ...ok, spirits, data: spirits, minion_id: row.id, total: spirits.length };
}

/** At /api/v2/minions: spirits, class, traits and tools. */
export const loadouts = new Hono<AppEnv>();

loadouts.get(
  "/:id/spirits",
  route(
    {
      id: "listMinionSpirits",
      summary: "List a minion's equipped spirits",
      tag,
      access: readingOne,
      params: IdParam,
      reply: s.LoadoutReply,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params }) => loadoutReply(await getMinion(ctx, requireUserId(ctx), params.id)),
  ),
);

loadouts.post(
  "/:id/spirits",
  route(
    {
      id: "equipSpirit",
      summary: "Equip a spirit",
      tag,
      access: writing,
      params: IdParam,
      body: s.SpiritBody,
      replayResponse: async ({ ctx, params }) => loadoutReply(await getMinion(ctx, requireUserId(ctx), params.id)),
      reply: s.LoadoutReply,
      status: 201,
      errors: ["not_found", minionErrors.spirit_already_equipped, ...missing, ...outage],
    },
    async ({ ctx, params, body }) => loadoutReply(await equipSpirit(ctx, requireUserId(ctx), params.id, body.spirit_id)),
  ),
);

loadouts.put(
  "/:id/spirits",
  route(
    {
      id: "putLoadout",
      summary: "Replace the loadout, all or nothing",
      description: "If the request fails, `missing` lists the spirits that cannot be equipped, and why.",
      tag,
      access: writing,
      params: IdParam,
      body: s.LoadoutBody,
      reply: s.LoadoutReply,
      errors: ["not_found", ...missing, ...outage],
    },
    async ({ ctx, params, body }) => loadoutReply(await putLoadout(ctx, requireUserId(ctx), params.id, body.spirit_ids)),
  ),
);

loadouts.get(
  "/:id/spirits/available",
  route(
    {
      id: "listAvailableSpiritsOfMinion",
      summary: "List all spirits and whether the minion can equip them",
      tag,
      access: readingOne,
      params: IdParam,
      reply: s.AvailableSpirits,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params }) => {
      const { level, ...found } = await getAvailability(ctx, requireUserId(ctx), params.id);
      const spirits = availableSpirits(found, level);
      return { ...ok, spirits, total: spirits.length };
    },
  ),
);

loadouts.get(
  "/:id/spirits/synergy",
  route(
    {
      id: "getMinionSynergy",
      summary: "Compute the synergy of a minion's spirits, optionally with additional ones",
      tag,
      access: readingOne,
      params: IdParam,
      query: s.WithQuery,
      reply: s.MinionSynergy,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params, query }) => {
      const preview = previewSynergy(await getMinion(ctx, requireUserId(ctx), params.id), query.with ?? []);
      return { ...ok, ...preview, data: preview.synergy, minion_id: params.id };
    },
  ),
);

loadouts.delete(
  "/:id/spirits/:spirit_id",
  route(
    {
      id: "unequipSpirit",
      summary: "Unequip a spirit; it keeps its experience",
      tag,
      access: writing,
      params: s.MinionSpiritParam,
      reply: s.LoadoutReply,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params }) => loadoutReply(await unequipSpirit(ctx, requireUserId(ctx), params.id, params.spirit_id)),
  ),
);

loadouts.get(
  "/:id/class",
  route(
    {
      id: "getMinionClass",
      summary: "Get a minion's class and its inactive base spirits",
      tag,
      access: readingOne,
      params: IdParam,
      reply: s.MinionClassReply,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params }) => {
      const { level, ...found } = await getAvailability(ctx, requireUserId(ctx), params.id);
      return { ...ok, ...classOf(found, level) };
    },
  ),
);

loadouts.post(
  "/:id/class",
  route(
    {
      id: "assignClass",
      summary: "Assign a class and equip its base spirits, all or nothing",
      description: "If the request fails, `missing` lists the spirits that cannot be equipped, and why.",
      tag,
      access: writing,
      params: IdParam,
      unknownKeys: "ignoreTopLevel",
      body: s.ClassBody,
      reply: s.MinionClassReply,
      errors: ["not_found", ...missing, ...outage],
    },
    async ({ ctx, params, body }) => {
      const found = await assignClass(ctx, requireUserId(ctx), params.id, body.class_name);
      return { ...ok, ...classOf(found) };
    },
  ),
);

loadouts.delete(
  "/:id/class",
  route(
    {
      id: "removeClass",
      summary: "Remove a minion's class; its spirits stay equipped",
      tag,
      access: writing,
      params: IdParam,
      reply: s.MinionClassReply,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params }) => ({ ...ok, ...classOf(await removeClass(ctx, requireUserId(ctx), params.id)) }),
  ),
);

loadouts.get(
  "/:id/traits",
  route(
    {
      id: "getTraits",
      summary: "Get a minion's traits",
      tag,
      access: readingOne,
      params: IdParam,
      reply: s.TraitsReply,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params }) => ({ ...ok, ...minionTraits(await getMinion(ctx, requireUserId(ctx), params.id)) }),
  ),
);

loadouts.put(
  "/:id/traits",
  route(
    {
      id: "putTraits",
      summary: "Replace a minion's traits",
      description: "The minion's level limits the number of traits above 0. Its rank limits the sum of all intensities.",
      tag,
      access: writing,
      params: IdParam,
      body: s.TraitsBody,
      reply: s.TraitsReply,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params, body }) => ({
      ...ok,
      ...minionTraits(await putTraits(ctx, requireUserId(ctx), params.id, body.traits)),
    }),
  ),
);

loadouts.get(
  "/:id/tools",
  route(
    {
      id: "listMinionTools",
      summary: "List the tools that a minion's spirits provide at their levels",
      tag,
      access: readingOne,
      params: IdParam,
      reply: s.MinionTools,
      errors: ["not_found", ...outage],
    },
    async ({ ctx, params }) => {
      const { uses, ...found } = await listToolUses(ctx, requireUserId(ctx), params.id);
      const tools = toolsOf(found, uses);
      return { ...ok, tools, total: tools.length };
    },
  ),
);
