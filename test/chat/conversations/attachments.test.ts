import { expect, test } from "vitest";
import { openAttachment, putAttachment } from "../../../src/chat/conversations/attachments.ts";
import type { Attachment } from "../../../src/agent/types.ts";
import { commonErrors } from "../../../src/kit/errors.ts";
import { outcomeOf } from "../../minions/support/minions.ts";
import { createUser } from "../../support/users.ts";
import { insertConversation, useChatHarness } from "../support/conversations.ts";

const harness = useChatHarness();
const bytes = new TextEncoder().encode("A file.");
const takes = { attach: async (_caller: unknown, attachment: Attachment) => ({ value: attachment }) };
const put = (conversationId: number, userId = harness.userId) =>
  putAttachment(harness.ctx, userId, conversationId, { bytes, name: "näme.txt" });

test("an upload makes one Postgres round trip, and a download none", async () => {
  const conversationId = await insertConversation(harness);
  harness.rooms[conversationId] = takes;
  const { value, trips } = await harness.tripsOf(() => put(conversationId));
  expect([value, trips]).toMatchObject([{ name: "näme.txt", media_type: "text/plain", size: bytes.length }, 1]);
  const opened = await harness.tripsOf(() => openAttachment(harness.ctx, harness.userId, { conversationId, id: value.id }));
  expect([opened.value.name, opened.trips]).toEqual(["näme.txt", 0]);
  expect(await opened.value.object.text()).toBe("A file.");
});

test("an upload to another user's conversation, or one that the room refuses, stores nothing", async () => {
  const conversationId = await insertConversation(harness);
  harness.rooms[conversationId] = takes;
  expect(await outcomeOf(put(conversationId, (await createUser(harness)).id))).toBe("not_found");
  expect(harness.bucket.puts).toEqual([]);
  harness.rooms[conversationId] = {
    attach: async () => ({ refusal: { errorType: commonErrors.conflict, detail: "There are too many." } }),
  };
  expect(await outcomeOf(put(conversationId))).toBe("conflict");
  harness.rooms[conversationId] = { attach: () => Promise.reject(new Error("It does not answer.")) };
  expect(await outcomeOf(put(conversationId))).toBe("realtime_unavailable");
  await harness.events.settled();
  expect([harness.bucket.puts.length, harness.bucket.objects.size]).toEqual([2, 0]);
});

test("an upload fails with storage_unavailable if R2 fails, and the room is not notified", async () => {
  const conversationId = await insertConversation(harness);
  let roomCalls = 0;
  harness.rooms[conversationId] = { attach: async () => void (roomCalls += 1) };
  harness.bucket.before = () => {
    throw new Error("It does not answer.");
  };
  expect(await outcomeOf(put(conversationId))).toBe("files_unavailable");
  const id = crypto.randomUUID();
  expect(await outcomeOf(openAttachment(harness.ctx, harness.userId, { conversationId, id }))).toBe("files_unavailable");
  expect(roomCalls).toBe(0);
});

test("a fork serves the files of its source conversation to its owner only, up to the fork point", async () => {
  const first = await insertConversation(harness);
  harness.rooms[first] = takes;
  const { id } = await put(first);
  const second = await insertConversation(harness, { forked_from_message_id: first * 2 ** 20 + 1 });
  const third = await insertConversation(harness, { forked_from_message_id: second * 2 ** 20 + 1 });
  const open = (conversationId: number, userId = harness.userId) =>
    outcomeOf(openAttachment(harness.ctx, userId, { conversationId, id }));
  const { value, trips } = await harness.tripsOf(() => open(third));
  expect([value, trips, await open(second)]).toEqual(["done", 1, "done"]);
  expect(await open(third, (await createUser(harness)).id)).toBe("not_found");
  expect(await open(await insertConversation(harness))).toBe("not_found");
});
