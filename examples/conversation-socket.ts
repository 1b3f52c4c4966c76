/** A conversation over its WebSocket: send a message, lose the connection in the middle, and resume without a gap. */
import { createGuide, openSocket, printMessage, readFrames, register, startConversation, step } from "./support.ts";

/** The parts of frames that this example uses. docs/websockets.md lists every frame. */
type Frame = { type: string; seq?: number; text?: string; detail?: string; citation?: { source: string }; frames?: Frame[] };

const user = await register();
const id = await startConversation(user, await createGuide(user));
const connect = (after?: number) => openSocket(user, `conversation:${id}`, `/api/v2/conversations/${id}/socket`, after);

/** What the client keeps: the text of the answer, and the last frame that it received. */
let answer = "";
let lastSeq = 0;
let isOver = false;

function apply(frame: Frame): void {
  // A replay holds several frames at once.
  if (frame.frames !== undefined) {
    console.log(`frames               ${frame.frames.length} missed frames at once`);
    frame.frames.forEach(apply);
    return;
  }
  lastSeq = frame.seq ?? lastSeq;
  if (frame.type === "message.delta") answer += frame.text;
  else console.log(frame.type.padEnd(20), frame.seq ?? "", frame.citation?.source ?? frame.detail ?? "");
  isOver ||= ["message.completed", "turn.failed", "turn.stopped"].includes(frame.type);
}

step("Send a message, and lose the connection after the first frame of the answer");
const first = await connect();
first.addEventListener("open", () =>
  first.send(JSON.stringify({ type: "message.send", client_id: crypto.randomUUID(), text: "When can I return a bicycle?" })),
);
for await (const frame of readFrames<Frame>(first)) {
  apply(frame);
  if (frame.type === "message.created") break;
}
first.close();

step(`Reconnect after frame ${lastSeq}`);
const second = await connect(lastSeq);
let unacknowledged = 0;
for await (const frame of readFrames<Frame>(second)) {
  apply(frame);
  if (isOver) break;
  // A client acknowledges after at most 64 frames or 64 KiB.
  unacknowledged += 1;
  if (unacknowledged === 32) {
    second.send(JSON.stringify({ type: "ack", seq: lastSeq }));
    unacknowledged = 0;
  }
}
second.close();

step("The answer, without a gap");
printMessage("Guide", answer);
