import { expect, test } from "vitest";
import { dailyAt0317, everyFiveMinutes, runCron, type CronJob } from "../../../src/kit/queue/cron.ts";

test("a schedule runs its own jobs, each in a named context", async () => {
  const ran: string[] = [];
  const job = (name: string, schedule: CronJob<string>["schedule"]): CronJob<string> => ({
    name,
    schedule,
    run: async (ctx) => ran.push(ctx),
  });
  const jobs = [job("sweep", everyFiveMinutes), job("report", dailyAt0317), job("send", everyFiveMinutes)];
  await runCron(jobs, everyFiveMinutes, (name) => `as ${name}`);
  expect(ran).toEqual(["as sweep", "as send"]);
  await expect(runCron(jobs, "0 0 1 1 *", (name) => name)).rejects.toThrow("Nothing is scheduled for 0 0 1 1 *.");
});

test("a failing job does not stop the others and is reported", async () => {
  const ran: string[] = [];
  const broken = new Error("The disk is full.");
  const jobs: CronJob<string>[] = [
    { name: "broken", schedule: dailyAt0317, run: () => Promise.reject(broken) },
    { name: "sound", schedule: dailyAt0317, run: async (ctx) => ran.push(ctx) },
  ];
  const failure: unknown = await runCron(jobs, dailyAt0317, (name) => name).catch((error: unknown) => error);
  expect(ran).toEqual(["sound"]);
  expect(failure).toBeInstanceOf(AggregateError);
  expect((failure as AggregateError).errors).toEqual([broken]);
});
