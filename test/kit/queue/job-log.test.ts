import { expect, test } from "vitest";
import { AppError } from "../../../src/kit/errors.ts";
import type { EventContext } from "../../../src/kit/event-log.ts";
import { ModelUsage } from "../../../src/kit/model-usage.ts";
import { logDeadLetter, logJob } from "../../../src/kit/queue/job-log.ts";
import { RoundTripCounter } from "../../../src/kit/server-timing.ts";
import { overhearLog } from "../../support/log-lines.ts";

const body = { id: 1, name: "report", payload: { user_id: 7, text: "private" }, request_id: "request-1" };

function messageOf(given: unknown): Message {
  return { id: "m", timestamp: new Date(0), body: given, attempts: 3, ack() {}, retry() {} };
}

const contextOf = (_name: string, requestId: string): EventContext => ({
  env: {},
  requestId,
  actor: { kind: "system" },
  roundTrips: new RoundTripCounter(),
  modelUsage: new ModelUsage(),
});

type Consumer = Parameters<typeof logJob>[1];
type Handle = (message: Message, consumer: Consumer) => Promise<void>;

const run: Handle = async (message, { handlers, contextOf: open }) => {
  open("report", "request-1");
  await (handlers[0]!.run as (ctx: unknown, payload: unknown) => Promise<unknown>)({}, {});
  message.ack();
};

/** Runs a consumer that retries, or gives up. */
const failWith =
  (end: (message: Message, consumer: Consumer) => unknown): Handle =>
  async (message, consumer) => {
    await run(message, consumer).catch(() => end(message, consumer));
  };

const fails = () => Promise.reject(new AppError("rate_limited", "It is private."));
const giveUp = async (message: Message, { dead }: Consumer) => {
  await dead.send({});
  message.ack();
};

test.each<[string, string, string | undefined, () => Promise<unknown>, Handle]>([
  ["that ran", "ok", undefined, async () => undefined, run],
  ["that was already done", "skipped", undefined, fails, async (message) => message.ack()],
  ["that another consumer did", "skipped", undefined, fails, failWith((message) => message.ack())],
  ["that will run again", "retried", "rate_limited", fails, failWith((message) => message.retry())],
  ["that was given up", "failed", "rate_limited", fails, failWith(giveUp)],
  [
    "with an unexpected error",
    "retried",
    "internal",
    () => Promise.reject(new Error("x")),
    failWith((message) => message.retry()),
  ],
])("the line of a job %s has the outcome %s", async (_of, outcome, error_code, handler, handle) => {
  const lines = overhearLog();
  const consumer = { handlers: [{ run: handler }], contextOf, dead: { send: async () => undefined } };
  await logJob(messageOf(body), consumer, handle);
  expect(lines()).toMatchObject([
    {
      event: "job",
      name: "report",
      request_id: "request-1",
      user_id: 7,
      attempts: 3,
      outcome,
      duration_ms: expect.any(Number),
    },
  ]);
  expect(lines()[0]?.["error_code"]).toBe(error_code);
  expect(JSON.stringify(lines())).not.toContain("private");
});

test("a message that is not a valid job has a line too", async () => {
  const lines = overhearLog();
  const consumer = { handlers: [], contextOf, dead: { send: async () => undefined } };
  await logJob(messageOf("garbage"), consumer, giveUp);
  expect(lines()).toMatchObject([{ event: "job", name: "unknown", outcome: "failed", level: "error" }]);
});

test.each([
  ["ok", (message: Message) => message.ack()],
  ["retried", (message: Message) => message.retry()],
])("the line of a dead letter has the outcome %s", async (outcome, end) => {
  const lines = overhearLog();
  await logDeadLetter(messageOf(body), {}, async (message) => end(message));
  expect(lines()).toMatchObject([{ event: "dead_letter", name: "report", request_id: "request-1", outcome }]);
});
