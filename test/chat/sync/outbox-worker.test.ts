import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Entry } from "../../../src/chat/sync/outbox.ts";
import { OutboxWorker } from "../../../src/chat/sync/outbox-worker.ts";
import type { TurnWrite } from "../../../src/chat/sync/write-to-postgres.ts";
import { memorySql } from "../../kit/socket/support/memory-sql.ts";
import { callOf, insertConversation, turnOf, useChatHarness } from "../support/conversations.ts";

const harness = useChatHarness();

const written = (id: number) =>
  harness.database.sql("select text, removed_at is not null as removed from messages where conversation_id = $1 order by id", [
    id,
  ]);
const failed = () =>
  harness.database.sql("select name, payload, user_id, error from failed_jobs where user_id = $1", [harness.userId]);

let alarms: number[] = [];
let erased = 0;
let worker: OutboxWorker;
let conversation: number;

beforeEach(async () => {
  alarms = [];
  erased = 0;
  const runtime = {
    context: () => harness.ctx,
    scheduleAlarm: (at: number) => void alarms.push(at),
    erase: async () => void (erased += 1),
  };
  worker = new OutboxWorker(memorySql(), runtime);
  conversation = await insertConversation(harness);
});

const secret = "A secret question?";
const turn = (number: number, given: object = {}): TurnWrite =>
  turnOf(harness, conversation, { turn: number, question: secret, ...given });
const refusedTurn = (number: number) => turn(number, { calls: [callOf({ record: { input_tokens: 11.5 } })] });

async function write(...entries: Entry[]): Promise<void> {
  for (const entry of entries) worker.add(entry);
  await worker.run();
}

describe("an entry that Postgres always refuses", () => {
  test("a refused entry is set aside and reported without its text, and the entries behind it go on", async () => {
    const logged: string[] = [];
    const spy = vi.spyOn(console, "error").mockImplementation((line: string) => void logged.push(line));
    await write({ kind: "turn", of: refusedTurn(1) }, { kind: "turn", of: turn(2) }, { kind: "turn", of: turn(3) });
    spy.mockRestore();
    expect(await written(conversation)).toHaveLength(4);
    expect([worker.dueAt, alarms, erased]).toEqual([undefined, [], 0]);
    expect(await failed()).toEqual([
      {
        name: "write-set-aside-entry",
        payload: { conversation_id: conversation, user_id: harness.userId, entry_id: 1 },
        user_id: harness.userId,
        error: "The turn of an outbox was refused: 22P02.",
      },
    ]);
    expect(logged.map((line) => JSON.parse(line) as object)).toMatchObject([
      { message: "An entry was set aside.", conversation_id: conversation, entry_id: 1, kind: "turn", reason: "22P02" },
    ]);
    expect(logged.join("")).not.toContain(secret);
  });

  test("entries that depend on a refused entry are set aside with it", async () => {
    const refused = refusedTurn(1);
    const change = {
      conversation_id: conversation,
      user_id: harness.userId,
      minion_id: harness.minionId,
      message: refused.messages[1],
    };
    await write({ kind: "turn", of: refused }, { kind: "change", of: change }, { kind: "turn", of: turn(2) });
    expect((await failed()).map(({ error }) => error)).toEqual([
      "The turn of an outbox was refused: 22P02.",
      "The change of an outbox was refused: 23514 message_not_written.",
    ]);
    expect(await written(conversation)).toHaveLength(2);
  });

  test("an entry that fails before the query is set aside too", async () => {
    const streaming = turn(1);
    streaming.messages[1].status = "streaming";
    await write({ kind: "turn", of: streaming }, { kind: "turn", of: turn(2) });
    expect((await failed()).map(({ error }) => error)).toEqual(["The turn of an outbox was refused: RangeError."]);
    expect(await written(conversation)).toHaveLength(2);
  });

  test("a replayed entry is written once, with its removed messages empty", async () => {
    await write({ kind: "turn", of: refusedTurn(1) });
    await expect(worker.writeSetAside(1, "request", (entry) => entry)).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("22P02"),
    });
    const mended = turn(1);
    const removed_ids = [mended.messages[1].id];
    await worker.writeSetAside(1, "request", () => ({ kind: "turn", of: { ...mended, removed_ids } }));
    expect(await written(conversation)).toEqual([
      { text: secret, removed: false },
      { text: "", removed: true },
    ]);
    await worker.writeSetAside(1, "request", () => expect.unreachable("it is written"));
  });
});

test("a failure that may pass keeps the order: nothing is set aside, and everything is written later", async () => {
  await harness.bridge.stopPostgres();
  await write({ kind: "turn", of: turn(1) }, { kind: "turn", of: turn(2) });
  expect(worker.dueAt).toBeGreaterThan(0);
  expect(alarms).toHaveLength(1);
  await harness.bridge.startPostgres();
  await worker.run();
  expect([await written(conversation), await failed(), worker.dueAt]).toEqual([
    expect.objectContaining({ length: 4 }),
    [],
    undefined,
  ]);
});

test("a removal that is written late spares the messages that came after it", async () => {
  await write({ kind: "turn", of: turn(1) }, { kind: "turn", of: turn(2) });
  const of = { conversation_id: conversation, user_id: harness.userId, minion_id: harness.minionId, message_count: 2 };
  const [, answer] = turn(1).messages;
  await write({ kind: "removal", of: { ...of, from_message_id: answer.id, until_message_id: answer.id + 1 } });
  expect((await written(conversation)).map(({ removed }) => removed)).toEqual([false, true, false, false]);
});
