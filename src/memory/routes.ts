import { Hono } from "hono";
import { requirePermission } from "../auth/middleware.ts";
import { requireUserId } from "../auth/current-user.ts";
import type { Ctx } from "../context.ts";
import { route, type AppEnv } from "../http/route.ts";
import { IdParam } from "../kit/http/zod-schemas.ts";
import { maxFacts } from "./constants.ts";
import type { MemoryOwner } from "./types.ts";
import * as s from "./schemas.ts";
import { addFact, changeFact, changeMemory, deleteFact, deleteFacts, getFact, listFacts } from "./service.ts";

const ok = { success: true as const };
const tag = "Memory";
const reading = requirePermission("minions.read");
const writing = requirePermission("minions.write");
const errors = ["not_found", "database_unavailable"] as const;

const ownerOf = (ctx: Ctx, { id }: { id: number }): MemoryOwner => ({ userId: requireUserId(ctx), minionId: id });

/** At /api/v2/minions. */
export const memory = new Hono<AppEnv>();

memory.get(
  "/:id/memory",
  route(
    {
      id: "getMemory",
      summary: "Get a minion's memory: its settings, and its facts",
      description: "The newest fact comes first; of a search, the best match.",
      tag,
      access: reading,
      params: IdParam,
      query: s.FactsQuery,
      reply: s.FactList,
      errors,
    },
    async ({ ctx, c, params, query }) => {
      const { memory: settings, ...page } = await listFacts(ctx, ownerOf(ctx, params), query);
      c.header("etag", `"${settings.version}"`);
      return { ...ok, memory: settings, ...page };
    },
  ),
);

memory.post(
  "/:id/memory",
  route(
    {
      id: "addFact",
      summary: "Let a minion remember a fact",
      description:
        `The conversations with the minion use it from then on. A fact that says the same is returned instead of a second one. At most ${maxFacts} ` +
        "facts per minion. 409 if the memory is off.",
      tag,
      access: writing,
      params: IdParam,
      body: s.NewFact,
      replayResponse: async ({ ctx, params, resultId }) => ({
        ...ok,
        fact: await getFact(ctx, ownerOf(ctx, params), Number(resultId)),
      }),
      reply: s.FactReply,
      status: 201,
      errors: ["conflict", "realtime_unavailable", ...errors],
    },
    async ({ ctx, params, body }) => ({ ...ok, fact: await addFact(ctx, ownerOf(ctx, params), body) }),
  ),
);

memory.patch(
  "/:id/memory",
  route(
    {
      id: "updateMemory",
      summary: "Turn a minion's memory on or off",
      description: "Off, its facts stay, but no conversation uses them, and no fact is stored.",
      tag,
      access: writing,
      ifMatch: true,
      params: IdParam,
      body: s.MemoryChange,
      reply: s.MemoryReply,
      errors,
    },
    async ({ ctx, c, params, body, expectedVersion }) => {
      const changed = await changeMemory(ctx, ownerOf(ctx, params), body, expectedVersion);
      c.header("etag", `"${changed.version}"`);
      return { ...ok, memory: changed };
    },
  ),
);

memory.delete(
  "/:id/memory",
  route(
    {
      id: "clearMemory",
      summary: "Delete all facts of a minion",
      description: "The messages that they come from stay.",
      tag,
      access: writing,
      params: IdParam,
      reply: s.MemoryCleared,
      errors,
    },
    async ({ ctx, params }) => {
      const deleted = await deleteFacts(ctx, ownerOf(ctx, params));
      return { ...ok, message: "All facts were deleted.", deleted };
    },
  ),
);

memory.get(
  "/:id/memory/:fact_id",
  route(
    {
      id: "getFact",
      summary: "Get a fact",
      tag,
      access: reading,
      params: s.FactParams,
      reply: s.FactReply,
      errors,
    },
    async ({ ctx, c, params }) => {
      const fact = await getFact(ctx, ownerOf(ctx, params), params.fact_id);
      c.header("etag", `"${fact.version}"`);
      return { ...ok, fact };
    },
  ),
);

memory.patch(
  "/:id/memory/:fact_id",
  route(
    {
      id: "updateFact",
      summary: "Edit a fact",
      tag,
      access: writing,
      ifMatch: true,
      params: s.FactParams,
      body: s.FactChange,
      reply: s.FactReply,
      errors: ["conflict", ...errors],
    },
    async ({ ctx, c, params, body, expectedVersion }) => {
      const fact = await changeFact(ctx, ownerOf(ctx, params), params.fact_id, body, expectedVersion);
      c.header("etag", `"${fact.version}"`);
      return { ...ok, fact };
    },
  ),
);

memory.delete(
  "/:id/memory/:fact_id",
  route(
    {
      id: "deleteFact",
      summary: "Delete a fact",
      tag,
      access: writing,
      params: s.FactParams,
      reply: s.FactDone,
      errors,
    },
    async ({ ctx, params }) => {
      await deleteFact(ctx, ownerOf(ctx, params), params.fact_id);
      return { ...ok, message: "The fact was deleted." };
    },
  ),
);
