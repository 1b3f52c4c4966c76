import { ChatClient } from "./client.ts";
import type { Billed } from "./metered-room.ts";
import { chunksOf, type Question } from "./provider.ts";

type Frame = { type: string; seq: number; message_id?: number; text?: string; frames?: Frame[] };

/** How many chunks a second a turn of the room brings to its socket. @throws Error if one is lost, or told together with another */
export function relayTurn(url: URL): Promise<number> {
  return relayed(url, takeTurn);
}

/** As many as an object brings that asks by the SDK, and does no more. */
export function relaySdk(url: URL): Promise<number> {
  return relayed(url, timed(passSdk));
}

/** As many as the bare object passes on. */
export function relayBare(url: URL): Promise<number> {
  return relayed(url, timed(passOn));
}

type Taken = { chunks: string[]; elapsedMs: number };

/** Asks once to have everything warm, and then for much at once. */
async function relayed(url: URL, take: (client: ChatClient, question: Question) => Promise<Taken>): Promise<number> {
  const client = await ChatClient.open(url);
  try {
    await take(client, "short");
    const { chunks, elapsedMs } = await take(client, "fast");
    requireAll("fast", chunks);
    return (chunks.length / elapsedMs) * 1000;
  } finally {
    client.close();
  }
}

const timed =
  (pass: (client: ChatClient, question: Question) => Promise<string[]>) => async (client: ChatClient, question: Question) => {
    const began = performance.now();
    const chunks = await pass(client, question);
    return { chunks, elapsedMs: performance.now() - began };
  };

/** How many messages somebody is sent until they are up to date who was away for a turn of 4,000 chunks. */
export async function resumeFrames(url: URL): Promise<number> {
  const client = await ChatClient.open(url);
  const { seq: after } = await takeTurn(client, "short");
  const { seq: last } = await takeTurn(client, "fast");
  client.close();
  const again = new URL(url);
  again.searchParams.set("after", String(after));
  const back = await ChatClient.open(again);
  try {
    const received = await new Promise<Frame[]>((resolve, reject) => {
      const frames: Frame[] = [];
      back.onEnd = reject;
      back.onText = (text) => {
        if ((frames.at(-1)?.seq ?? 0) < last) frames.push(JSON.parse(text) as Frame);
        if (frames.at(-1)!.seq >= last) resolve(frames);
      };
    });
    const deltas = received.flatMap((frame) => frame.frames ?? [frame]).filter(({ type }) => type === "message.delta");
    const told = deltas.map(({ text }) => text).join("");
    if (told !== chunksOf("fast").join("")) throw new Error(`Of the answer, ${told.length} characters came back.`);
    return received.length;
  } finally {
    back.close();
  }
}

/** What a turn of 300 chunks in 10 s is billed, in a room that has taken one before, and for how many seconds it kept it from its rest. */
export async function billedTurn(url: URL): Promise<{ billed: Billed; seconds: number }> {
  const billing = new URL(`${url.pathname}/billed`, url);
  const settle = async () => (await (await fetch(billing)).json()) as Billed;
  const client = await ChatClient.open(url);
  try {
    await takeTurn(client, "short");
    await settle();
    const began = performance.now();
    await takeTurn(client, "steady");
    const billed = await settle();
    return { billed, seconds: (performance.now() - began) / 1000 };
  } finally {
    client.close();
  }
}

/** Asks, and takes what comes until the turn is over. */
function takeTurn(client: ChatClient, question: Question): Promise<{ chunks: string[]; elapsedMs: number; seq: number }> {
  return new Promise((resolve, reject) => {
    const chunks: string[] = [];
    let elapsedMs = 0;
    client.onEnd = reject;
    client.onText = (text) => {
      const frame = JSON.parse(text) as Frame;
      if (frame.type === "message.delta") {
        chunks.push(frame.text!);
        elapsedMs = performance.now() - began;
      }
      client.hasRead(frame.seq);
      if (frame.type === "turn.failed" || frame.type === "error" || frame.type === "frames") reject(new Error(text));
      else if (frame.type === "message.completed") resolve({ chunks, elapsedMs, seq: frame.seq });
    };
    const began = performance.now();
    client.send({ type: "message.send", client_id: crypto.randomUUID(), text: question });
  });
}

type Chunk = { choices: { delta: { content?: string } }[] };

/** Lets the bare object ask, and takes what comes until the end. */
function passOn(client: ChatClient, question: Question): Promise<string[]> {
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

/** The same of the object that asks by the SDK: the end is an empty message. */
function passSdk(client: ChatClient, question: Question): Promise<string[]> {
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

function requireAll(question: Question, chunks: readonly string[]): void {
  const said = chunksOf(question);
  const wrong = said.findIndex((chunk, index) => chunks[index] !== chunk);
  if (wrong !== -1 || chunks.length !== said.length) {
    throw new Error(`Of ${said.length} chunks ${chunks.length} came; the first that is wrong is ${chunks[wrong]}.`);
  }
}
