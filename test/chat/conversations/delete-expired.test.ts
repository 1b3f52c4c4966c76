import { expect, test } from "vitest";
import { maxConversations, maxTemporaryConversations, temporaryHours } from "../../../src/chat/constants.ts";
import { deleteExpiredConversations } from "../../../src/chat/conversations/delete-expired.ts";
import { createConversation } from "../../../src/chat/conversations/service.ts";
import { sweepOutbox } from "../../../src/kit/queue/outbox.ts";
import { outcomeOf } from "../../minions/support/minions.ts";
import { insertConversation, useChatHarness } from "../support/conversations.ts";

const harness = useChatHarness();

const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000);
const idsLeft = async () =>
  (await harness.database.sql("select id from conversations where user_id = $1 order by id", [harness.userId])).map(({ id }) =>
    Number(id),
  );

test("temporary conversations are deleted a day after their last activity, with their rooms", async () => {
  const old = { created_at: hoursAgo(temporaryHours + 1) };
  const expired = await insertConversation(harness, { ...old, temporary: true });
  const silent = await insertConversation(harness, {
    ...old,
    temporary: true,
    last_message_at: hoursAgo(temporaryHours + 0.1),
  });
  const kept = [
    await insertConversation(harness, { ...old, temporary: true, last_message_at: hoursAgo(temporaryHours - 0.1) }),
    await insertConversation(harness, { temporary: true }),
    await insertConversation(harness, old),
  ];
  const erased: number[] = [];
  for (const id of [expired, silent]) harness.rooms[String(id)] = { erase: async () => void erased.push(id) };
  await deleteExpiredConversations(harness.ctx);
  expect(await idsLeft()).toEqual(kept);
  await deleteExpiredConversations(harness.ctx);
  await sweepOutbox(harness.ctx);
  await harness.work();
  expect(erased.toSorted((a, b) => a - b)).toEqual([expired, silent]);
});

test("temporary conversations have a limit of their own", async () => {
  const insert = (temporary: boolean, count: number) =>
    harness.database.sql(
      "insert into conversations (user_id, minion_id, temporary) select $1, $2, $3 from generate_series(1, $4::int)",
      [harness.userId, harness.minionId, temporary, count],
    );
  await insert(true, maxTemporaryConversations);
  const create = (temporary: boolean) =>
    outcomeOf(createConversation(harness.ctx, harness.userId, harness.minionId, { temporary }));
  expect([await create(true), await create(false)]).toEqual(["conflict", "done"]);
  await insert(false, maxConversations - 1);
  await harness.database.sql("delete from conversations where user_id = $1 and temporary", [harness.userId]);
  expect([await create(true), await create(false)]).toEqual(["done", "conflict"]);
});
