import { desc, eq, lt, sql } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import { assertAllInTransaction, commit, commitOnce, type Statement } from "../kit/db/commit.ts";
import { constraintError } from "../kit/errors.ts";
import { paginate } from "../kit/http/zod-schemas.ts";
import { lockOwnerAndMinion, minionExists } from "../minions/queries.ts";
import { announcingChange, withEvent } from "./announce.ts";
import { maxFacts, type FactSource } from "./constants.ts";
import { constraintErrors } from "./errors.ts";
import { hashFact } from "./hash-fact.ts";
import { factColumns, isEnabled, ofMinion, ofSettings, selectFactRows, selectMemory } from "./queries.ts";
import type { Fact, FactsQuery, Memory, NewFact } from "./schemas.ts";
import { searchFacts } from "./search-facts.ts";
import { memoryFacts, memorySettings } from "./tables.ts";
import type { MemoryOwner } from "./types.ts";

const minionIsThere = ({ userId, minionId }: MemoryOwner) => ({ minion_not_found: minionExists(userId, minionId) });

const toMemory = ([row]: Omit<Memory, "max_facts">[]): Memory => ({ ...row!, max_facts: maxFacts });

/** The settings of a memory, and a page of its facts, newest first. A search lists the best match first. One round trip. @throws not_found */
export async function listFacts(
  ctx: Ctx,
  owner: MemoryOwner,
  { limit, cursor, q }: FactsQuery,
): Promise<{ memory: Memory; facts: Fact[]; total: number; next_cursor?: string }> {
  const rows = selectFactRows(ctx, owner, cursor === undefined || q !== undefined ? undefined : lt(memoryFacts.id, cursor))
    .orderBy(desc(memoryFacts.id))
    .limit(q === undefined ? limit + 1 : maxFacts);
  const [, memoryRows, facts] = await commit(ctx, [
    assertAllInTransaction(ctx.db, minionIsThere(owner)),
    selectMemory(ctx, owner),
    rows,
  ]);
  const memory = toMemory(memoryRows);
  if (q === undefined) {
    const { items, ...next } = paginate(facts, limit);
    return { memory, facts: items, total: memory.fact_count, ...next };
  }
  const found = await searchFacts(facts, q);
  // The cursor of a search is a position: its order is not that of the IDs.
  const end = (cursor ?? 0) + limit;
  const next = found.length > end ? { next_cursor: String(end) } : {};
  return { memory, facts: found.slice(cursor ?? 0, end), total: found.length, ...next };
}

/** One round trip. @throws not_found */
export async function getFact(ctx: Ctx, owner: MemoryOwner, factId: number): Promise<Fact> {
  const [, rows] = await commit(ctx, [
    assertAllInTransaction(ctx.db, minionIsThere(owner)),
    selectFactRows(ctx, owner, eq(memoryFacts.id, factId)),
  ]);
  if (rows[0] === undefined) throw constraintError(constraintErrors.memory_fact_not_found, undefined);
  return rows[0];
}

/**
 * Stores a fact of the owner. One round trip, and a call of the message's room if there is one.
 * @throws not_found, conflict; validation_failed for a message that the owner did not exchange with this minion, or of a temporary conversation
 */
export async function addFact(ctx: Ctx, owner: MemoryOwner, { text, message_id }: NewFact): Promise<Fact> {
  const message = message_id === undefined ? null : await sourceOf(ctx, owner, message_id);
  const { fact } = await storeFact(ctx, owner, { text, source: "owner", message });
  return fact;
}

/** The message that a fact came from. */
export type FactMessage = { message_id: number; conversation_id: number };

async function sourceOf(ctx: Ctx, { userId, minionId }: MemoryOwner, message_id: number): Promise<FactMessage> {
  const found = await ctx.hooks.findMessage(ctx, userId, message_id);
  const fault = (detail: string) => constraintError({ type: "validation_failed", path: "message_id", detail }, undefined);
  if (found?.minion_id !== minionId) throw fault("must be the ID of a message in a conversation with this minion");
  if (found.temporary) throw fault("must not be the ID of a message in a temporary conversation, which stores no facts");
  return { message_id, conversation_id: found.conversation_id };
}

/** A fact to store. */
export type FactToStore = { text: string; source: FactSource; message: FactMessage | null };

/**
 * Stores a fact, or finds the fact of the minion that says the same. One round trip.
 * @throws not_found; conflict if the memory is off or full
 */
export async function storeFact(
  ctx: Ctx,
  owner: MemoryOwner,
  { text, source, message }: FactToStore,
): Promise<{ fact: Fact; is_new: boolean }> {
  const { userId: user_id, minionId: minion_id } = owner;
  const text_hash = await hashFact(text);
  const same = eq(memoryFacts.text_hash, text_hash);
  const isKnown = sql`exists (${selectFactRows(ctx, owner, same)})`;
  const count = sql`(select count(*) from ${memoryFacts} where ${ofMinion(owner)})`;
  const inserted = ctx.db
    .insert(memoryFacts)
    .values({ user_id, minion_id, text, text_hash, source, ...message })
    .onConflictDoNothing()
    .returning({ id: memoryFacts.id });
  return withEvent(ctx, owner, "add", async () => {
    const results = await commitOnce(
      ctx,
      [
        ...lockOwnerAndMinion(ctx, user_id, minion_id),
        assertAllInTransaction(ctx.db, {
          ...minionIsThere(owner),
          memory_disabled: isEnabled(owner),
          memory_limit_reached: sql`${isKnown} or ${count} < ${maxFacts}`,
        }),
        announcingChange(ctx, owner, inserted, ([row]) => row?.id),
        selectFactRows(ctx, owner, same),
      ],
      sql<string>`(select ${memoryFacts.id}::text from ${memoryFacts} where ${ofMinion(owner)} and ${same})`,
    );
    const [added, facts] = results.slice(-2) as [{ id: number }[], Fact[]];
    return { fact: facts[0]!, is_new: added.length > 0 };
  });
}

/**
 * Changes the text of a fact. One round trip.
 * @param expectedVersion the version that the client edited; undefined for any
 * @throws not_found, precondition_failed; conflict if another fact says the same
 */
export async function changeFact(
  ctx: Ctx,
  owner: MemoryOwner,
  factId: number,
  { text }: { text: string },
  expectedVersion: number | undefined,
): Promise<Fact> {
  const isFact = eq(memoryFacts.id, factId);
  const { version } = memoryFacts;
  const isExpected = sql`(select ${version} from ${memoryFacts} where ${ofMinion(owner)} and ${isFact}) = ${expectedVersion}`;
  const isCurrent = expectedVersion === undefined ? {} : { version_changed: isExpected };
  const edited = ctx.db
    .update(memoryFacts)
    .set({ text, text_hash: await hashFact(text), version: sql`${version} + 1`, updated_at: sql`now()` })
    .where(sql`${ofMinion(owner)} and ${isFact}`)
    .returning(factColumns);
  return withEvent(ctx, owner, "edit", async () => {
    const results = await changeOf(ctx, owner, factId, [announcingChange(ctx, owner, edited, () => factId)], isCurrent);
    return (results.at(-1) as Fact[])[0]!;
  });
}

/** Deletes a fact. One round trip. @throws not_found */
export async function deleteFact(ctx: Ctx, owner: MemoryOwner, factId: number): Promise<void> {
  const deleted = ctx.db.delete(memoryFacts).where(sql`${ofMinion(owner)} and ${eq(memoryFacts.id, factId)}`);
  await withEvent(ctx, owner, "delete", () =>
    changeOf(ctx, owner, factId, [announcingChange(ctx, owner, deleted, () => factId)]),
  );
}

/** Commits statements about one fact. @throws not_found, and the codes of `assertions` */
function changeOf(
  ctx: Ctx,
  owner: MemoryOwner,
  factId: number,
  statements: readonly Statement[],
  assertions: Record<string, ReturnType<typeof sql>> = {},
): Promise<readonly unknown[]> {
  return commit(ctx, [
    ...lockOwnerAndMinion(ctx, owner.userId, owner.minionId),
    assertAllInTransaction(ctx.db, {
      ...minionIsThere(owner),
      memory_fact_not_found: sql`exists (${selectFactRows(ctx, owner, eq(memoryFacts.id, factId))})`,
      ...assertions,
    }),
    ...statements,
  ]);
}

/** Deletes all facts of a minion. One round trip. @returns their number @throws not_found */
export async function deleteFacts(ctx: Ctx, owner: MemoryOwner): Promise<number> {
  const deleted = ctx.db.delete(memoryFacts).where(ofMinion(owner)).returning({ id: memoryFacts.id });
  return withEvent(ctx, owner, "delete_all", async () => {
    const results = await commit(ctx, [
      ...lockOwnerAndMinion(ctx, owner.userId, owner.minionId),
      assertAllInTransaction(ctx.db, minionIsThere(owner)),
      announcingChange(ctx, owner, deleted, (rows) => (rows.length === 0 ? undefined : null)),
    ]);
    return (results.at(-1) as unknown[]).length;
  });
}

/**
 * Turns a memory on or off. Off, its facts stay, but no turn reads them, and no fact is stored. One round trip.
 * @param expectedVersion the version that the client edited; undefined for any
 * @throws not_found, precondition_failed
 */
export async function changeMemory(
  ctx: Ctx,
  owner: MemoryOwner,
  { enabled }: { enabled: boolean },
  expectedVersion: number | undefined,
): Promise<Memory> {
  const { version } = memorySettings;
  const current = sql`coalesce((select ${version} from ${memorySettings} where ${ofSettings(owner)}), 1)`;
  const edited = ctx.db
    .insert(memorySettings)
    .values({ minion_id: owner.minionId, user_id: owner.userId, enabled, version: 2 })
    .onConflictDoUpdate({
      target: memorySettings.minion_id,
      set: { enabled, version: sql`${version} + 1`, updated_at: sql`now()` },
    });
  return withEvent(ctx, owner, enabled ? "turn_on" : "turn_off", async () => {
    const results = await commit(ctx, [
      ...lockOwnerAndMinion(ctx, owner.userId, owner.minionId),
      assertAllInTransaction(ctx.db, {
        ...minionIsThere(owner),
        ...(expectedVersion === undefined ? {} : { version_changed: sql`${current} = ${expectedVersion}` }),
      }),
      announcingChange(ctx, owner, edited, () => null),
      selectMemory(ctx, owner),
    ]);
    return toMemory(results.at(-1) as Omit<Memory, "max_facts">[]);
  });
}
