import { and, eq, getTableColumns, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import { memoryFacts, memorySettings } from "./tables.ts";
import type { MemoryOwner, RememberedFact, TurnMemory } from "./types.ts";

const { user_id: _owner, minion_id: _minion, text_hash: _hash, ...publicColumns } = getTableColumns(memoryFacts);

/** The columns of a fact that clients see. */
export const factColumns = publicColumns;

/** The condition that selects all facts of a minion. */
export const ofMinion = ({ userId, minionId }: MemoryOwner): SQL =>
  and(eq(memoryFacts.user_id, userId), eq(memoryFacts.minion_id, minionId))!;

/** The query of the facts of a minion that match a condition. */
export function selectFactRows({ db }: Pick<Ctx, "db">, owner: MemoryOwner, condition?: SQL) {
  return db
    .select(factColumns)
    .from(memoryFacts)
    .where(and(ofMinion(owner), condition));
}

/** The query of the settings of a memory, and the number of its facts. */
export function selectMemory({ db }: Pick<Ctx, "db">, owner: MemoryOwner) {
  const { enabled, version, updated_at } = memorySettings;
  const counted = db
    .select({ fact_count: sql<number>`count(*)::int`.as("fact_count") })
    .from(memoryFacts)
    .where(ofMinion(owner))
    .as("counted");
  return db
    .select({
      enabled: sql<boolean>`coalesce(${enabled}, true)`,
      version: sql<number>`coalesce(${version}, 1)`,
      updated_at: sql<Date | null>`${updated_at}`.mapWith(updated_at),
      fact_count: counted.fact_count,
    })
    .from(counted)
    .leftJoin(memorySettings, ofSettings(owner));
}

/** The condition that selects the settings of a minion's memory. */
export const ofSettings = ({ userId, minionId }: MemoryOwner): SQL =>
  and(eq(memorySettings.user_id, userId), eq(memorySettings.minion_id, minionId))!;

/** The condition that the memory of a minion is on. */
export const isEnabled = (owner: MemoryOwner): SQL =>
  sql`not exists (select from ${memorySettings} where ${ofSettings(owner)} and not ${memorySettings.enabled})`;

type MemoryRow = { enabled: boolean; revision: string; facts: RememberedFact[] | null };

/**
 * The query for `turnMemoryFrom`. It reads the facts only if they have changed.
 * @param known what the caller has cached
 */
export function selectTurnMemory({ db }: Pick<Ctx, "db">, owner: MemoryOwner, known?: TurnMemory) {
  const { id, text, created_at, version } = memoryFacts;
  // Adding a fact raises the highest ID, deleting one changes the number or that ID, and an edit raises a version.
  const revision = sql`select concat_ws('-', count(*), max(${id}), sum(${version})) as revision from ${memoryFacts} where ${ofMinion(owner)}`;
  const facts = sql`
    select coalesce(json_agg(json_build_object('id', ${id}, 'text', ${text}, 'created_at', ${created_at}) order by ${id}), '[]')
    from ${memoryFacts} where ${ofMinion(owner)}`;
  return db.execute<MemoryRow>(sql`
    select ${isEnabled(owner)} as enabled, revision,
      case when revision is distinct from ${known?.revision ?? null}::text then (${facts}) end as facts
    from (${revision}) as current`);
}

/** The memory from the rows of `selectTurnMemory`. Facts that have not changed are the cached objects, whose terms are known. */
export function turnMemoryFrom({ rows: [row] }: { rows: MemoryRow[] }, known?: TurnMemory): TurnMemory {
  const { facts, ...memory } = row!;
  if (facts === null) return { ...memory, facts: known!.facts };
  const cached = new Map(known?.facts.map((fact) => [fact.id, fact]));
  return { ...memory, facts: facts.map((fact) => (cached.get(fact.id)?.text === fact.text ? cached.get(fact.id)! : fact)) };
}
