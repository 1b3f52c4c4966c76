import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildWorker, startWorkerd, type Workerd } from "../../../dev/wrangler/workerd.ts";
import { descendants } from "../../dev/support/processes.ts";
import { openTestDatabase, startStoppableBridge, testSettings, type TestApi, type TestDatabase } from "../../support/api.ts";
import type { Frame, TestSocket } from "../../support/sockets.ts";
import { startFakeLlm, words, type FakeLlm } from "../../support/fake-llm.ts";
import {
  openConversation,
  framesIn,
  isOver,
  connectDevice as enter,
  messagesOf,
  startChatSession,
  textOf,
  type ChatSession,
} from "../support/conversation-client.ts";

let folder: string;
let modulePath: string;
let database: TestDatabase;
let bridge: Awaited<ReturnType<typeof startStoppableBridge>>;
let llm: FakeLlm;
let workerd: Workerd;
/** The Worker of probe.ts, as far as these tests ask it. */
let api: TestApi;

async function start(): Promise<void> {
  const bindings = { ...testSettings(bridge.url), EGRESS_ALLOWED_HOSTS: llm.host };
  workerd = await startWorkerd({ modulePath, bindings, persist: join(folder, "state"), log: () => {} });
  const get = (path: string, init?: RequestInit) => fetch(new URL(path, workerd.url), init);
  api = { url: new URL(workerd.url), database, get } as TestApi;
}

/** Ends the runtime as a power cut would, and starts another on the same storage. */
async function kill(): Promise<void> {
  const victims = (await descendants(process.pid)).filter(({ command }) => command.includes("workerd"));
  for (const { pid } of victims) process.kill(pid, "SIGKILL");
  await workerd.close().catch(() => undefined);
  await start();
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "spiritforge-crash-"));
  [{ modulePath }, database, llm] = await Promise.all([
    buildWorker(folder, "test/chat/support/worker.ts"),
    openTestDatabase(),
    startFakeLlm(),
  ]);
  bridge = await startStoppableBridge(database);
  await start();
});
afterAll(async () => {
  await workerd.close();
  await bridge.stopPostgres();
  await Promise.all([database.close(), llm.close()]);
  await rm(folder, { recursive: true, force: true });
});

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const isSnapshot = ({ type }: Frame) => type === "snapshot";
const isDelta = ({ type }: Frame) => type === "message.delta";

/** Pieces of an answer, and how far apart they are. */
const pieces = words(60);
const everyMs = 50;

type Attempt = {
  session: ChatSession;
  client_id: string;
  text: string;
  socket: TestSocket;
};

async function attempt(session: ChatSession, index: number): Promise<Attempt> {
  const socket = await enter(api, session);
  await socket.until(isSnapshot);
  return { session, client_id: `question-${index}`, text: `Question ${index}?`, socket };
}

type Outcome = { faults: string[]; point: string };

/** What became of a turn whose runtime was killed: where it was then, and what is not as it should be. */
async function outcomeOf({ session, client_id, text, socket }: Attempt): Promise<Outcome> {
  const faults: string[] = [];
  const unless = (isSo: boolean, fault: string) => void (isSo || faults.push(`${text} ${fault}`));
  const requestCount = () => llm.requests.filter(({ messages }) => messages.at(-1)!.content.includes(text)).length;
  const received = framesIn(socket.received);
  const back = await enter(api, session, socket.received.at(-1)!.seq);
  const kept = await messagesOf(session);
  const [question, answer] = kept;
  const wasCreated = received.some(({ type }) => type === "message.created");
  unless(!wasCreated || question?.text === text, "is lost, though it was acknowledged");
  unless(kept.length !== 1, "has no answer");
  let point = "unheard";
  if (answer !== undefined) {
    const wasOver = received.some(isOver);
    point = `${answer.status} ${Math.floor(answer.text.length / 60)}`;
    unless(["complete", ...(wasOver ? [] : ["interrupted"])].includes(answer.status), `is ${answer.status}`);
    unless(pieces.join("").startsWith(answer.text), "has an answer that nobody said");
    if (!wasOver) await back.until((frame) => framesIn([frame]).some(isOver));
    const shown = textOf([...socket.received, ...back.received], answer.id);
    unless(shown === answer.text, "is shown another answer than is kept");
  }
  // A client that does not know what became of its message says it again.
  const times = requestCount();
  unless(times <= 1, "was answered twice");
  back.send({ type: "message.send", client_id, text });
  await back.until(({ type }) => type === (question === undefined ? "message.created" : "message.known"));
  unless(question === undefined || requestCount() === times, "is answered again");
  if (question === undefined) await session.client.post(`/conversations/${session.id}/stop`);
  back.raw.terminate();
  return { faults, point };
}

test("a runtime killed at twelve points of a turn loses no message, repeats no turn, and leaves no turn open", async () => {
  const first = await startChatSession({ api, llm });
  const attempts: Attempt[] = [];
  for (let index = 0; index < 12; index += 1) {
    attempts.push(await attempt({ ...first, id: await openConversation(first.client, first.minionId) }, index));
  }
  llm.replyWith({ pieces, everyMs });
  // Each is as long under way as the next is not yet: the last is killed when it was just sent, the first when it was just over.
  for (const { socket, client_id, text } of attempts) {
    socket.send({ type: "message.send", client_id, text });
    await pause((pieces.length * everyMs) / 11);
  }
  await kill();
  const outcomes: Outcome[] = [];
  for (const each of attempts) outcomes.push(await outcomeOf(each));
  expect(outcomes.flatMap(({ faults }) => faults)).toEqual([]);
  expect(new Set(outcomes.map(({ point }) => point)).size).toBeGreaterThan(5);

  llm.replyWith({ pieces: ["Again."] });
  for (const { session } of attempts) {
    const { body } = await session.client.post(`/conversations/${session.id}/messages`, { text: "And now?" });
    expect(body.message).toMatchObject({ status: "complete", text: "Again." });
  }
  const ids = attempts.map(({ session }) => session.id);
  const rows = () =>
    database.sql(
      `select conversation_id from messages where conversation_id = any($1) and status <> 'streaming' group by 1 having count(*) = 4`,
      [ids],
    );
  await expect.poll(async () => (await rows()).length).toBe(12);
  const [calls] = await database.sql("select count(*)::int as n from model_calls where minion_id = $1", [first.minionId]);
  expect(calls).toEqual({ n: 24 });
  for (const { socket } of attempts) socket.raw.terminate();
});

test("a room that restarts in the middle of a turn keeps the flushed text and can continue", async () => {
  const session = await startChatSession({ api, llm });
  const socket = await enter(api, session);
  llm.replyWith({ pieces, everyMs }, { pieces: ["Again."] });
  socket.send({ type: "message.send", client_id: "x", text: "Go on." });
  await socket.until(isDelta);
  await pause(900);
  await api.get(`/probe/break?room=${session.id}`);
  await socket.closed;
  const back = await enter(api, session, socket.received.at(-1)!.seq);
  await back.until((frame) => framesIn([frame]).some(isOver));
  const [, broken] = await messagesOf(session);
  expect(broken).toMatchObject({ status: "interrupted", error: { code: "interrupted", retryable: true } });
  expect(broken!.text.length).toBeGreaterThan(0);
  expect(textOf([...socket.received, ...back.received], broken!.id)).toBe(broken!.text);
  const again = await session.client.post(`/conversations/${session.id}/regenerate`);
  expect(again.body.message).toMatchObject({ status: "complete", text: "Again." });
  expect((await messagesOf(session)).map(({ text }) => text)).toEqual(["Go on.", "Again."]);
});

test("an alarm ends a turn that was running when the room stopped, without a client", async () => {
  const session = await startChatSession({ api, llm });
  const socket = await enter(api, session);
  llm.replyWith({ pieces, everyMs });
  socket.send({ type: "message.send", client_id: "x", text: "Go on." });
  await socket.until(isDelta);
  // It is set to half a minute at most; nobody waits for that here.
  const alarm = Number(await (await api.get(`/probe/hasten?room=${session.id}`)).text());
  expect(alarm - Date.now()).toBeLessThan(30_000);
  await api.get(`/probe/break?room=${session.id}`);
  await socket.closed;
  const rows = () =>
    database.sql("select status from messages where conversation_id = $1 and role = 'assistant'", [session.id]);
  await expect.poll(rows).toEqual([{ status: "interrupted" }]);
});

test("a tool call waits for approval from any device, and its output reaches the model", async () => {
  const session = await startChatSession({ api, llm });
  await session.client.post(`/minions/${session.minionId}/spirits`, { spirit_id: 1 });
  const [asking, agreeing] = [await enter(api, session), await enter(api, session)];
  const calls = { name: "markdown_generator", input: { title: "Tea" } };
  llm.replyWith({ pieces: ["One moment. "], calls }, { pieces: ["Here it is."] });
  asking.send({ type: "message.send", client_id: "x", text: "Write about tea." });
  const needed = await agreeing.until(({ type }) => type === "tool.approval_needed");
  expect(needed).toMatchObject({ tool: "markdown_generator", input: { title: "Tea" } });
  agreeing.send({ type: "tool.approve", call_id: needed["call_id"] });
  expect(await asking.until(({ type }) => type === "tool.finished")).toMatchObject({ status: "complete", output: "# Tea" });
  expect(await asking.until(isOver)).toMatchObject({ type: "message.completed", xp: 15 });
  const [, answer] = await messagesOf(session);
  expect(answer!.tools).toMatchObject([{ tool: "markdown_generator", status: "complete", output: "# Tea" }]);
  expect(answer!.text).toMatch(/^One moment\.\s+Here it is\.$/);
  const mastery = () => database.sql("select uses from spirit_mastery where minion_id = $1", [session.minionId]);
  await expect.poll(mastery).toEqual([{ uses: 1 }]);

  llm.replyWith({ pieces: [], calls }, { pieces: ["Then not."] });
  asking.send({ type: "message.send", client_id: "y", text: "Again." });
  const again = await agreeing.until(({ type }) => type === "tool.approval_needed");
  const denied = await session.client.post(`/conversations/${session.id}/approvals`, {
    call_id: again["call_id"],
    is_approved: false,
  });
  expect(denied.status).toBe(200);
  expect(await asking.until(({ type }) => type === "tool.finished")).toMatchObject({ status: "denied" });
  expect(await asking.until(isOver)).toMatchObject({ type: "message.completed", xp: 5 });
});
