import * as z from "zod";
import { ranks } from "../../catalog/constants.ts";
import { Id, NextCursor, ok, Timestamp, TotalCount } from "../../kit/http/zod-schemas.ts";
import { experienceKinds } from "../constants.ts";
import { scoreFields, standing } from "../schemas.ts";

const XpEvent = z
  .object({
    id: Id,
    kind: z.enum(experienceKinds),
    xp: z.int().min(0).meta({ description: "0 if the daily usage limit was reached" }),
    reason: z.string(),
    source_type: z.string(),
    source_id: z.string(),
    day: z.iso.date().meta({ description: "UTC" }),
    created_at: Timestamp,
  })
  .meta({ id: "XpEvent" });
export const XpEventReply = z.object({ ...ok, event: XpEvent });

export const XpHistory = z.object({
  ...ok,
  events: z.array(XpEvent),
  total: TotalCount,
  experience: z.int(),
  usage_today: z.int().meta({ description: "Usage experience of this UTC day; the limit is 500 a day" }),
  next_cursor: NextCursor,
});
export const ScoreReply = z.object({ ...ok, ...scoreFields });
const ScoreOfMinionShape = z.object({ id: Id, name: z.string(), display_name: z.string(), ...scoreFields });
export type ScoreOfMinion = z.output<typeof ScoreOfMinionShape>;
export const ScoreList = z.object({ ...ok, scores: z.array(ScoreOfMinionShape), total: TotalCount });

export const Leaderboard = z.object({
  ...ok,
  entries: z.array(
    z.object({
      place: z.int().min(1),
      minion_id: Id,
      display_name: z.string(),
      avatar_url: z.string().nullable(),
      class_name: z.string().nullable(),
      experience: z.int(),
      level: z.int(),
      rank: z.enum(ranks),
      score: z.int(),
    }),
  ),
  total: TotalCount,
  as_of: Timestamp,
  next_cursor: NextCursor,
});

export const Progression = z.object({
  ...ok,
  ...standing,
  minions: z.int().meta({ description: "Number of your minions" }),
  max_minions: z.int().meta({ description: "−1: unlimited" }),
  max_spirits_per_minion: z.int(),
  unlocked_spirits: z.array(z.string()),
  next_unlocks: z
    .array(
      z.object({
        kind: z.enum(["spirit", "class"]),
        name: z.string(),
        rank: z.enum(ranks),
        rank_level: z.int(),
        xp_missing: z.int(),
      }),
    )
    .meta({ description: "Next spirits and classes to unlock, nearest first" }),
});
