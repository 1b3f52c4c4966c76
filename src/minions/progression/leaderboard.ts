import { and, eq, isNull, sql } from "drizzle-orm";
import { LRUCache } from "lru-cache";
import type { Rank } from "../../catalog/constants.ts";
import { catalogOf } from "../../catalog/service.ts";
import type { Ctx } from "../../context.ts";
import { validationError } from "../../kit/errors.ts";
import { pictureUrl } from "../../kit/storage/avatars.ts";
import { modelSummarySql } from "../../models/queries.ts";
import { levelProgress } from "./rules.ts";
import { scoreAt } from "./views.ts";
import { minionExperience } from "./sql.ts";
import { minions } from "../tables.ts";

type Entry = {
  place: number;
  minion_id: number;
  display_name: string;
  avatar_url: string | null;
  class_name: string | null;
  experience: number;
  level: number;
  rank: Rank;
  score: number;
};

/** A snapshot of the public minions with the most experience. All pages of a board show the same snapshot. */
type Board = { as_of: number; entries: Entry[] };

/** The period of a board, and how long its cursors are valid. */
const periodMs = 5 * 60_000;
const keptSeconds = 3_600;

const maxEntries = 1_000;

/** Boards by period. */
const boards = new LRUCache<number, Board>({ max: 3 });

const kvKey = (period: number) => `leaderboard:1:${period}`;
const currentPeriod = () => Math.floor(Date.now() / periodMs);

/**
 * One page of the leaderboard. A cursor stays on its board. No round trip while the board is in memory.
 * @throws validation_failed for an expired cursor
 */
export async function readLeaderboard(ctx: Ctx, { limit, cursor }: { limit: number; cursor?: string | undefined }) {
  const [period, offset] = cursor === undefined ? [currentPeriod(), 0] : (cursor.split(".").map(Number) as [number, number]);
  const { as_of, entries } = await boardOf(ctx, period);
  const end = offset + limit;
  const next = end < entries.length ? { next_cursor: `${period}.${end}` } : {};
  return { entries: entries.slice(offset, end), total: entries.length, as_of: new Date(as_of), ...next };
}

async function boardOf(ctx: Ctx, period: number): Promise<Board> {
  const inMemory = boards.get(period);
  if (inMemory !== undefined) return inMemory;
  const cached = await ctx.cache.get<Board>(kvKey(period)).catch(() => null);
  if (cached === null && period !== currentPeriod()) {
    throw validationError([{ path: "cursor", in: "query", message: "has expired. Start again without a cursor" }]);
  }
  const board = cached ?? (await makeBoard(ctx));
  if (cached === null)
    ctx.waitUntil(
      ctx
        .background()
        .cache.put(kvKey(period), board, keptSeconds)
        .catch(() => undefined),
    );
  boards.set(period, board);
  return board;
}

async function makeBoard(ctx: Ctx): Promise<Board> {
  const { classes } = await catalogOf(ctx);
  const rows = await ctx.db
    .select({ ...shown, experience: sql<number>`(${minionExperience})` })
    .from(minions)
    .where(and(eq(minions.visibility, "public"), isNull(minions.deleted_at)))
    .orderBy(sql`${minionExperience} desc, ${minions.id}`)
    .limit(maxEntries);
  const entries = rows.map((row, index): Entry => {
    const { level, rank } = levelProgress(row.experience);
    return {
      place: index + 1,
      minion_id: row.id,
      display_name: row.display_name,
      avatar_url: pictureUrl(row.avatar_key),
      class_name: classes.find(({ id }) => id === row.class_id)?.class_name ?? null,
      experience: row.experience,
      level,
      rank,
      score: scoreAt(row, row.experience).total,
    };
  });
  return { as_of: Date.now(), entries };
}

const shown = {
  id: minions.id,
  display_name: minions.display_name,
  avatar_key: minions.avatar_key,
  class_id: minions.class_id,
  model: minions.model,
  external_model: modelSummarySql(sql`${minions.external_model_id}`),
};

/** Deletes the boards in KV and in this isolate, because they may show a deleted user. */
export async function forgetBoards(ctx: Ctx): Promise<void> {
  const period = currentPeriod();
  const periods = Array.from({ length: keptSeconds / (periodMs / 1_000) + 1 }, (_, ago) => period - ago);
  for (const each of periods) boards.delete(each);
  await Promise.all(periods.map((each) => ctx.cache.delete(kvKey(each))));
}
