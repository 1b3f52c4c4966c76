import { expect, test } from "vitest";
import type { EventContext } from "../../../src/kit/event-log.ts";
import { ModelUsage } from "../../../src/kit/model-usage.ts";
import { dailyAt0317, everyFiveMinutes, runCron, type CronJob } from "../../../src/kit/queue/cron.ts";
import { RoundTripCounter } from "../../../src/kit/server-timing.ts";
import { overhearLog } from "../../support/log-lines.ts";

type Context = EventContext & { name: string };

const contextOf = (name: string): Context => ({
  name,
  env: {},
  requestId: `request-of-${name}`,
  actor: { kind: "system" },
  roundTrips: new RoundTripCounter(),
  modelUsage: new ModelUsage(),
});

test("a schedule runs its own jobs, each in a named context", async () => {
  const ran: string[] = [];
  const job = (name: string, schedule: CronJob<Context>["schedule"]): CronJob<Context> => ({
    name,
    schedule,
    run: async (ctx) => ran.push(ctx.name),
  });
  const jobs = [job("sweep", everyFiveMinutes), job("report", dailyAt0317), job("send", everyFiveMinutes)];
  await runCron(jobs, everyFiveMinutes, contextOf);
  expect(ran).toEqual(["sweep", "send"]);
  await expect(runCron(jobs, "0 0 1 1 *", contextOf)).rejects.toThrow("Nothing is scheduled for 0 0 1 1 *.");
});

test("a failing job does not stop the others and is reported", async () => {
  const lines = overhearLog();
  const ran: string[] = [];
  const broken = new Error("The disk is full.");
  const jobs: CronJob<Context>[] = [
    { name: "broken", schedule: dailyAt0317, run: () => Promise.reject(broken) },
    { name: "sound", schedule: dailyAt0317, run: async (ctx) => ran.push(ctx.name) },
  ];
  const failure: unknown = await runCron(jobs, dailyAt0317, contextOf).catch((error: unknown) => error);
  expect(ran).toEqual(["sound"]);
  expect(failure).toBeInstanceOf(AggregateError);
  expect((failure as AggregateError).errors).toEqual([broken]);
  expect(lines().filter(({ event }) => event === "cron")).toMatchObject([
    {
      level: "error",
      name: "broken",
      outcome: "failed",
      error_code: "internal",
      request_id: "request-of-broken",
      actor: "system",
    },
    { level: "info", name: "sound", outcome: "ok", request_id: "request-of-sound", db: 0 },
  ]);
  expect(lines().filter(({ error }) => error !== undefined)).toMatchObject([
    { message: "A scheduled job failed.", request_id: "request-of-broken", error: { reason: "Error: The disk is full." } },
  ]);
});
