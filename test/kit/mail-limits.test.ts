import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commit } from "../../src/kit/db/commit.ts";
import { isMailLimit, mailLimits, mailStatements, normalizeRecipient } from "../../src/kit/mail-limits.ts";
import { openConcurrentPostgres, type ConcurrentPostgres } from "../support/concurrent-postgres.ts";
import { createUser } from "../support/users.ts";

let postgres: ConcurrentPostgres;
let userId: number;

beforeAll(async () => {
  postgres = await openConcurrentPostgres(20);
  userId = (await createUser({ database: postgres })).id;
});

afterAll(() => postgres.close());

/** Whether a mail to the address was enqueued. */
async function send(to: string): Promise<boolean> {
  const { db, requestId } = postgres.ctx;
  const sender = { db, requestId, env: { JOBS: { send: async () => undefined } }, waitUntil: () => undefined };
  try {
    await commit(sender, await mailStatements(sender, { to, subject: "x", text: "x", key: crypto.randomUUID() }, userId));
    return true;
  } catch (error) {
    if (!isMailLimit(error)) throw error;
    return false;
  }
}

const coolDown = () => postgres.sql("update mail_recipients set last_sent_at = last_sent_at - interval '61 seconds'");

test("twenty mails to one address at once, however it is written, are one mail", async () => {
  const spellings = [
    "storm@gmail.com",
    "STORM@gmail.com",
    "s.t.o.r.m@googlemail.com",
    "storm+a@gmail.com",
    "ｓtorm@gmail.com.",
  ];
  const sent = await Promise.all(Array.from({ length: 20 }, (_, index) => send(spellings[index % 5]!)));
  expect(sent.filter(Boolean)).toHaveLength(1);
  expect(await postgres.sql("select 1 from outbox where name = 'send-mail' and user_id = $1", [userId])).toHaveLength(1);
});

test("an address gets its mails of a day and no more, and others get theirs", async () => {
  for (let count = 0; count < mailLimits.perDay; count += 1) {
    expect(await send("daily@example.com")).toBe(true);
    expect(await send("daily@example.com")).toBe(false);
    await coolDown();
  }
  expect(await send("daily@example.com")).toBe(false);
  expect(await send("other@example.com")).toBe(true);
  await postgres.sql("update mail_recipients set day = day - 1");
  await coolDown();
  expect(await send("daily@example.com")).toBe(true);
});

test("the last mail of a day at once by twenty is one mail", async () => {
  await send("last@example.com");
  await postgres.sql("update mail_recipients set sent = $1", [mailLimits.perDay - 1]);
  await coolDown();
  const sent = await Promise.all(Array.from({ length: 20 }, () => send("last@example.com")));
  expect(sent.filter(Boolean)).toHaveLength(1);
});

test("the table holds no address", async () => {
  await send("hidden@example.com");
  expect(JSON.stringify(await postgres.sql("select * from mail_recipients"))).not.toContain("hidden");
});

describe("one form of an address", () => {
  test.each([
    ["Ada@Example.COM", "ada@example.com"],
    ["ada+tag+more@example.com", "ada@example.com"],
    ["a.d.a+x@GoogleMail.com", "ada@gmail.com"],
    ["a.d.a@example.com", "a.d.a@example.com"],
    ["ada@bücher.example", "ada@xn--bcher-kva.example"],
    ["ada@example.com.", "ada@example.com"],
    ["ａda@example.com", "ada@example.com"],
    ["a@b@example.com", "a@b@example.com"],
    ["nobody", "@nobody"],
  ])("the normalized address of %s is %s", (written, form) => expect(normalizeRecipient(written)).toBe(form));
});
