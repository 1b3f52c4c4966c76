import { expect, test } from "vitest";
import { isOver, join, messagesOf, startTalk, textOf, useChatting } from "./talking.ts";
import { words } from "./speaker.ts";

const chatting = useChatting();

test("a message over the socket is answered, and everybody in the room sees the same", async () => {
  const { api, speaker } = chatting;
  const talk = await startTalk(chatting);
  const [first, second] = [await join(api, talk), await join(api, talk)];
  await Promise.all([first, second].map((socket) => socket.until(({ type }) => type === "snapshot")));
  speaker.says({ pieces: words(20), everyMs: 5 });
  first.send({ type: "message.send", client_id: "one", text: "How are you?" });
  const over = await first.until(isOver);
  await second.until(isOver);
  expect(over).toMatchObject({ type: "message.completed", xp: 5, memory_status: "full" });
  const [asked, answer] = await messagesOf(talk);
  expect(asked).toMatchObject({ role: "user", text: "How are you?", status: "complete" });
  expect(answer).toMatchObject({ role: "assistant", text: words(20).join(""), status: "complete", model: "custom/my-model" });
  for (const socket of [first, second]) expect(textOf(socket.received, answer!.id)).toBe(answer!.text);
});
