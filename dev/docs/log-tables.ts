import { eventFields } from "../../src/kit/event-log.ts";
import { renderTable } from "./render-table.ts";

/** The events that have a line in the log, with their outcomes. */
export const events = {
  request: [
    "An HTTP request, when its reply is ready; a stream or a socket goes on after it",
    "ok, refused (4xx), failed (5xx)",
  ],
  turn: ["A turn of a minion, when its answer has ended", "ok, stopped, interrupted, failed"],
  memory: [
    "A change of a minion's memory; `name` says which: add, edit, delete, delete_all, turn_on, turn_off",
    "ok, refused (4xx), skipped (repeated request), failed",
  ],
  outbox_write: [
    "An attempt of a room to write a turn, a change or a removal to Postgres",
    "ok, skipped, retried, set_aside (Postgres refuses it)",
  ],
  job: ["A delivery of a background job", "ok, skipped (already done), retried, failed (given up)"],
  dead_letter: ["A job that was given up is stored in `failed_jobs`", "ok, retried"],
  cron: ["A run of a scheduled job", "ok, failed"],
  alarm: ["An alarm of a Durable Object", "ok, retried, failed"],
} as const satisfies Record<string, readonly [when: string, outcomes: string]>;

/** The table of events. */
export function eventTable(): string {
  const rows = Object.entries(events).map(([name, [when, outcomes]]) => [`\`${name}\``, when, outcomes]);
  return renderTable([["event", "when", "outcomes"], ...rows]);
}

/** The table of fields, with their columns in Analytics Engine. */
export function fieldTable(): string {
  const counts = { text: 0, number: 0 };
  const rows = Object.entries(eventFields).map(([name, { type, description }]) => {
    counts[type] += 1;
    return [`\`${name}\``, `\`${type === "text" ? "blob" : "double"}${counts[type]}\``, description];
  });
  return renderTable([["field", "column", "what it says"], ...rows]);
}
