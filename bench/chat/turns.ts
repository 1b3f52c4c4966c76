import { ChatClient } from "./client.ts";
import { answerChunks, type Question } from "./fake-provider.ts";
import type { BilledUnits } from "./metered-room.ts";

type Frame = { type: string; seq: number; message_id?: number; text?: string; frames?: Frame[] };

type Answer = { chunks: string[]; elapsedMs: number };

/** Chunks per second through a conversation's room. @throws Error unless each chunk arrives as one delta, in order */
export function benchRoomRelay(url: URL): Promise<number> {
  return benchRelay(url, runTurn);
}

/** Chunks per second through an object that calls the provider with the SDK. @throws Error for a lost or merged chunk */
export function benchSdkRelay(url: URL): Promise<number> {
  return benchRelay(url, timed(sendToSdkRelay));
}

/** Chunks per second through an object that forwards unparsed events. @throws Error for a lost or merged chunk */
export function benchRawRelay(url: URL): Promise<number> {
  return benchRelay(url, timed(sendToRawRelay));
}

/** Runs a short answer as a warm-up, and measures one of 4,000 chunks. */
async function benchRelay(url: URL, send: (client: ChatClient, question: Question) => Promise<Answer>): Promise<number> {
  const client = await ChatClient.open(url);
  try {
    await send(client, "short");
    const { chunks, elapsedMs } = await send(client, "fast");
    assertComplete("fast", chunks);
    return (chunks.length / elapsedMs) * 1000;
  } finally {
    client.close();
  }
}

const timed =
  (send: (client: ChatClient, question: Question) => Promise<string[]>) =>
  async (client: ChatClient, question: Question): Promise<Answer> => {
    const startedAt = performance.now();
    const chunks = await send(client, question);
    return { chunks, elapsedMs: performance.now() - startedAt };
  };

/** Counts the messages that a client receives after a reconnect, if it missed a turn of 4,000 chunks. */
export async function countResumeFrames(url: URL): Promise<number> {
  const client = await ChatClient.open(url);
  const { seq: after } = await runTurn(client, "short");
  const { seq: last } = await runTurn(client, "fast");
  client.close();
  const resumeUrl = new URL(url);
  resumeUrl.searchParams.set("after", String(after));
  const resumed = await ChatClient.open(resumeUrl);
  try {
    const received = await new Promise<Frame[]>((resolve, reject) => {
      const frames: Frame[] = [];
      resumed.onEnd = reject;
      resumed.onText = (text) => {
        if ((frames.at(-1)?.seq ?? 0) < last) frames.push(JSON.parse(text) as Frame);
        if (frames.at(-1)!.seq >= last) resolve(frames);
      };
    });
    const deltas = received.flatMap((frame) => frame.frames ?? [frame]).filter(({ type }) => type === "message.delta");
    const answer = deltas.map(({ text }) => text).join("");
    const expected = answerChunks("fast").join("");
    if (answer !== expected) throw new Error(`Expected an answer of ${expected.length} characters, received ${answer.length}.`);
    return received.length;
  } finally {
    resumed.close();
  }
}

/** Runs a turn of 300 chunks in 10 s. Returns its billed units, and the seconds in which the room could not hibernate. */
export async function measureBilledTurn(url: URL): Promise<{ units: BilledUnits; seconds: number }> {
  const unitsUrl = new URL(`${url.pathname}/billed`, url);
  const takeUnits = async () => (await (await fetch(unitsUrl)).json()) as BilledUnits;
  const client = await ChatClient.open(url);
  try {
    await runTurn(client, "short");
    await takeUnits();
    const startedAt = performance.now();
    await runTurn(client, "steady");
    const units = await takeUnits();
    return { units, seconds: (performance.now() - startedAt) / 1000 };
  } finally {
    client.close();
  }
}

/** Sends a question to a conversation's room, and receives the frames of the turn. */
function runTurn(client: ChatClient, question: Question): Promise<Answer & { seq: number }> {
  return new Promise((resolve, reject) => {
    const chunks: string[] = [];
    let elapsedMs = 0;
    client.onEnd = reject;
    client.onText = (text) => {
      const frame = JSON.parse(text) as Frame;
      if (frame.type === "message.delta") {
        chunks.push(frame.text!);
        elapsedMs = performance.now() - startedAt;
      }
      client.acknowledge(frame.seq);
      if (frame.type === "turn.failed" || frame.type === "error" || frame.type === "frames") reject(new Error(text));
      else if (frame.type === "message.completed") resolve({ chunks, elapsedMs, seq: frame.seq });
    };
    const startedAt = performance.now();
    client.send({ type: "message.send", client_id: crypto.randomUUID(), text: question });
  });
}

type Chunk = { choices: { delta: { content?: string } }[] };

function sendToRawRelay(client: ChatClient, question: Question): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const chunks: string[] = [];
    client.onEnd = reject;
    client.onText = (event) => {
      const data = event.slice("data: ".length);
      if (data === "[DONE]") return resolve(chunks);
      const text = (JSON.parse(data) as Chunk).choices[0]?.delta.content ?? "";
      if (text !== "") chunks.push(text);
    };
    client.send({ messages: [{ role: "user", content: question }] });
  });
}

function sendToSdkRelay(client: ChatClient, question: Question): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const chunks: string[] = [];
    client.onEnd = reject;
    client.onText = (chunk) => {
      if (chunk === "") resolve(chunks);
      else chunks.push(chunk);
    };
    client.sendText(question);
  });
}

function assertComplete(question: Question, chunks: readonly string[]): void {
  const expected = answerChunks(question);
  const wrong = expected.findIndex((chunk, index) => chunks[index] !== chunk);
  if (wrong !== -1 || chunks.length !== expected.length) {
    throw new Error(
      `Expected ${expected.length} chunks, received ${chunks.length}. The first difference is ${chunks[wrong] ?? "a missing chunk"}.`,
    );
  }
}
