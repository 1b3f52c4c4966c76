import * as z from "zod";
import { ok, Timestamp } from "../kit/http/zod-schemas.ts";

const count = (description?: string) =>
  z
    .int()
    .min(0)
    .meta(description === undefined ? {} : { description });

const TurnsByOutcome = z.object({ complete: count(), stopped: count(), interrupted: count(), failed: count() });

const ProviderFigures = z.object({
  provider: z.string(),
  calls: count("Calls that this provider answered, or that ended with it"),
  failed_attempts: count("Failed attempts, also where another model answered"),
  failures: z
    .record(z.string(), z.int().min(1))
    .meta({ description: "Failed attempts by their reason, such as `rate_limited`" }),
});

const Overview = z
  .object({
    at: Timestamp,
    users: z.object({ total: count(), new_today: count() }),
    sessions: z.object({ active: count("Sessions that have not expired") }),
    conversations: z.object({ new_today: count() }),
    messages: z.object({ today: count("Messages of turns that ended, including removed ones") }),
    turns: z.object({ last_hour: TurnsByOutcome, last_24_hours: TurnsByOutcome }).meta({
      description: "Turns by how they ended. A turn counts when its room has written it",
    }),
    providers: z.array(ProviderFigures).meta({ description: "The last 24 hours, most failed attempts first" }),
    usage_today: z.object({
      calls: count(),
      input_tokens: count(),
      output_tokens: count(),
      cached_tokens: count(),
      cost_usd: z.number().min(0).meta({ description: "At list prices, without calls whose price is unknown" }),
      unpriced_calls: count(),
    }),
    allowances_today: z
      .object({ users: count(), calls: count(), tokens: count() })
      .meta({ description: "Calls of models that the operator pays for, which count against the users' daily allowances" }),
    jobs: z.object({
      waiting: count("Unfinished jobs, running ones included"),
      running: count("Jobs that a consumer holds"),
      overdue: count("Jobs that were lost or never sent; they are sent again within minutes"),
      oldest_seconds: count("Age of the oldest unfinished job"),
      failed: count("Jobs that failed permanently"),
    }),
    rooms: z.object({ set_aside: count("Changes of conversations that Postgres refuses. Replay their failed job") }),
    mails: z.object({ waiting: count(), failed: count() }),
  })
  .meta({
    id: "Overview",
    description: "Figures of the service. Today is the UTC day",
    examples: [
      {
        at: new Date("2026-11-23T10:00:00Z"),
        users: { total: 1_204, new_today: 12 },
        sessions: { active: 1_840 },
        conversations: { new_today: 310 },
        messages: { today: 4_120 },
        turns: {
          last_hour: { complete: 188, stopped: 4, interrupted: 0, failed: 2 },
          last_24_hours: { complete: 4_031, stopped: 60, interrupted: 3, failed: 41 },
        },
        providers: [{ provider: "openai", calls: 2_210, failed_attempts: 31, failures: { rate_limited: 30, timed_out: 1 } }],
        usage_today: {
          calls: 2_480,
          input_tokens: 3_100_000,
          output_tokens: 410_000,
          cached_tokens: 900_000,
          cost_usd: 11.42,
          unpriced_calls: 210,
        },
        allowances_today: { users: 240, calls: 900, tokens: 700_000 },
        jobs: { waiting: 3, running: 2, overdue: 0, oldest_seconds: 4, failed: 1 },
        rooms: { set_aside: 0 },
        mails: { waiting: 1, failed: 0 },
      },
    ],
  });

export const OverviewReply = z.object({ ...ok, overview: Overview });
export type Overview = z.input<typeof Overview>;
