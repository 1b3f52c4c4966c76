import { expect, test } from "vitest";
import { openAttachment, putAttachment } from "../../../src/chat/conversations/attachments.ts";
import type { Attachment } from "../../../src/agent/types.ts";
import { outcomeOf } from "../../minions/support/minions.ts";
import { makePerson } from "../../support/users.ts";
import { useDesk } from "../support/service-harness.ts";

const desk = useDesk();
const bytes = new TextEncoder().encode("A file.");
const takes = { attach: async (_userId: number, attachment: Attachment) => ({ value: attachment }) };
const put = (conversationId: number, userId = desk.userId) =>
  putAttachment(desk.ctx, userId, conversationId, { bytes, name: "näme.txt" });

test("a file is kept in one Postgres round trip, and had again in none", async () => {
  const conversationId = await desk.conversation();
  desk.rooms[conversationId] = takes;
  const { value, trips } = await desk.tripsOf(() => put(conversationId));
  expect([value, trips]).toMatchObject([{ name: "näme.txt", media_type: "text/plain", size: bytes.length }, 1]);
  const opened = await desk.tripsOf(() => openAttachment(desk.ctx, desk.userId, { conversationId, id: value.id }));
  expect([opened.value.name, opened.trips]).toEqual(["näme.txt", 0]);
  expect(await opened.value.object.text()).toBe("A file.");
});

test("nothing is kept of a file for somebody else's conversation, or of one that the room does not take", async () => {
  const conversationId = await desk.conversation();
  desk.rooms[conversationId] = takes;
  expect(await outcomeOf(put(conversationId, (await makePerson(desk)).id))).toBe("not_found");
  expect(desk.bucket.puts).toEqual([]);
  desk.rooms[conversationId] = { attach: async () => ({ refusal: { code: "conflict", detail: "There are too many." } }) };
  expect(await outcomeOf(put(conversationId))).toBe("conflict");
  desk.rooms[conversationId] = { attach: () => Promise.reject(new Error("It does not answer.")) };
  expect(await outcomeOf(put(conversationId))).toBe("realtime_unavailable");
  await desk.events.settled();
  expect([desk.bucket.puts.length, desk.bucket.objects.size]).toEqual([2, 0]);
});

test("a store that does not answer is said to be out, and the room hears of nothing", async () => {
  const conversationId = await desk.conversation();
  let heard = 0;
  desk.rooms[conversationId] = { attach: async () => void (heard += 1) };
  desk.bucket.before = () => {
    throw new Error("It does not answer.");
  };
  expect(await outcomeOf(put(conversationId))).toBe("files_unavailable");
  const id = crypto.randomUUID();
  expect(await outcomeOf(openAttachment(desk.ctx, desk.userId, { conversationId, id }))).toBe("files_unavailable");
  expect(heard).toBe(0);
});

test("a file of a conversation that a fork came from is the fork's too, its owner's alone, as far as the files are there", async () => {
  const first = await desk.conversation();
  desk.rooms[first] = takes;
  const { id } = await put(first);
  const second = await desk.conversation({ forked_from_message_id: first * 2 ** 20 + 1 });
  const third = await desk.conversation({ forked_from_message_id: second * 2 ** 20 + 1 });
  const open = (conversationId: number, userId = desk.userId) =>
    outcomeOf(openAttachment(desk.ctx, userId, { conversationId, id }));
  const { value, trips } = await desk.tripsOf(() => open(third));
  expect([value, trips, await open(second)]).toEqual(["done", 1, "done"]);
  expect(await open(third, (await makePerson(desk)).id)).toBe("not_found");
  expect(await open(await desk.conversation())).toBe("not_found");
});
