import { beforeAll, describe, expect, test } from "vitest";
import { startChatSession, useChatSessions } from "../chat/support/conversation-client.ts";
import { bodyOf } from "../support/api.ts";
import { authHeader, createUser, type Person } from "../support/users.ts";

const sessions = useChatSessions();
let admin: Person;

async function overview(person: Person = admin) {
  const reply = await sessions.api.get("/api/v2/admin/overview", { headers: authHeader(person.token) });
  return { status: reply.status, timing: reply.headers.get("server-timing"), ...(await bodyOf(reply)) };
}

const insertCall = (values: string) =>
  sessions.api.database
    .sql(`insert into model_calls (user_id, purpose, provider, model_id, outcome, input_tokens, output_tokens,
    cache_read_tokens, cache_write_tokens, is_estimated, cost_micro_usd, latency_ms, attempts, created_at) values ${values}`);

const attempt = (provider: string, outcome: string) => ({ provider, model_id: "m", outcome, status: null, latency_ms: 1 });
const attempts = (...all: object[]) => `'${JSON.stringify(all)}'`;

beforeAll(async () => {
  admin = await createUser(sessions.api, ["admin"]);
});

describe("the overview", () => {
  test("the overview is for administrators, and costs one round trip to Postgres", async () => {
    const person = await createUser(sessions.api);
    expect((await overview(person)).status).toBe(403);
    await overview();
    const before = sessions.api.roundTrips();
    expect((await overview()).status).toBe(200);
    expect(sessions.api.roundTrips() - before).toBe(1);
  });

  test("the overview counts users, sessions, conversations, messages and turns", async () => {
    const { llm, api } = sessions;
    const before = (await overview()).overview;
    const session = await startChatSession(sessions);
    llm.replyWith({ pieces: ["Yes."] }, { pieces: [], status: 401 });
    const sent = await session.client.post(`/conversations/${session.id}/messages`, { text: "First" });
    const failed = await session.client.post(`/conversations/${session.id}/messages`, { text: "Second" });
    expect([sent.status, failed.body.message?.status]).toEqual([200, "failed"]);
    await expect
      .poll(() => api.database.sql("select 1 from messages where conversation_id = $1", [session.id]))
      .toHaveLength(4);
    await api.database.sql(
      `insert into sessions (user_id, token, expires_at) values ($1, 'expired', now() - interval '1 second')`,
      [session.person.id],
    );
    await api.database.sql(
      `insert into messages (id, conversation_id, user_id, role, status, text, body, created_at)
       select id + 50, conversation_id, user_id, role, 'stopped', '', body, now() - interval '2 hours' from messages
       where conversation_id = $1 and role = 'assistant' limit 1`,
      [session.id],
    );
    const after = (await overview()).overview;
    expect(after.users.total - before.users.total).toBe(1);
    expect(after.users.new_today - before.users.new_today).toBe(1);
    expect(after.sessions.active - before.sessions.active).toBe(1);
    expect(after.conversations.new_today - before.conversations.new_today).toBe(1);
    expect(after.messages.today - before.messages.today).toBeGreaterThanOrEqual(4);
    expect(after.turns.last_hour).toEqual({ complete: 1, stopped: 0, interrupted: 0, failed: 1 });
    expect(after.turns.last_24_hours).toEqual({ complete: 1, stopped: 1, interrupted: 0, failed: 1 });
  });

  test("the overview counts calls, tokens, cost and allowances of today, and failed attempts of a day by provider", async () => {
    await sessions.api.database.sql("truncate model_calls");
    const me = admin.id;
    const failedOver = attempts(attempt("groq", "rate_limited"), attempt("groq", "timed_out"), attempt("openai", "answered"));
    await insertCall(`
      (${me}, 'chat', 'openai', 'gpt', 'complete', 100, 10, 40, 0, false, 2500, 1, ${failedOver}, now()),
      (${me}, 'chat', 'workers-ai', '@cf/m', 'complete', 30, 3, 0, 0, false, null, 1, ${attempts(attempt("workers-ai", "answered"))}, now()),
      (${me}, 'chat', 'groq', 'g', 'failed', 0, 0, 0, 0, false, 0, 1, ${attempts(attempt("groq", "timed_out"))}, now()),
      (${me}, 'chat', 'mistral', 'old', 'failed', 900, 0, 0, 0, false, 9000, 1, ${attempts(attempt("mistral", "refused"))}, now() - interval '25 hours')`);
    const { providers, usage_today, allowances_today } = (await overview()).overview;
    expect(providers).toEqual([
      { provider: "groq", calls: 1, failed_attempts: 3, failures: { rate_limited: 1, timed_out: 2 } },
      { provider: "openai", calls: 1, failed_attempts: 0, failures: {} },
      { provider: "workers-ai", calls: 1, failed_attempts: 0, failures: {} },
    ]);
    expect(usage_today).toEqual({
      calls: 3,
      input_tokens: 130,
      output_tokens: 13,
      cached_tokens: 40,
      cost_usd: 0.0025,
      unpriced_calls: 1,
    });
    expect(allowances_today).toEqual({ users: 1, calls: 1, tokens: 33 });
  });

  test("jobs that wait, run, are overdue or failed are counted, and mails and set-aside entries among them", async () => {
    const { sql } = sessions.api.database;
    await sql("truncate outbox, failed_jobs");
    await sql(`insert into outbox (name, payload, request_id, created_at, due_at, lease) values
      ('send-mail', '{}', 'r', now() - interval '90 seconds', now() + interval '1 hour', 'held'),
      ('report', '{}', 'r', now(), now() - interval '1 second', null)`);
    await sql(`insert into failed_jobs (reference, name, payload, request_id, error, attempts, created_at) values
      ('job:1', 'send-mail', '{}', 'r', 'It failed.', 12, now()), ('job:2', 'report', '{}', 'r', 'It failed.', 12, now()),
      ('room:1:1:1', 'write-set-aside-entry', '{}', 'r', 'Postgres refuses it.', 1, now())`);
    const { jobs, mails, rooms } = (await overview()).overview;
    expect(jobs).toMatchObject({ waiting: 2, running: 1, overdue: 1, failed: 2 });
    expect(jobs.oldest_seconds).toBeGreaterThanOrEqual(90);
    expect(rooms).toEqual({ set_aside: 1 });
    expect(mails).toEqual({ waiting: 1, failed: 1 });
    await sql("truncate outbox, failed_jobs");
  });
});
