import * as fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { clientOf, type Client } from "../minions/support/minions.ts";
import { hardTexts, searchText } from "../support/arbitrary-text.ts";
import { useApi } from "../support/api.ts";
import { createUser } from "../support/users.ts";

const api = useApi();
let me: Client;
let baseId: number;

beforeAll(async () => {
  me = clientOf(api, await createUser(api, ["user", "superuser"]));
  const { body } = await me.post("/knowledge-bases", { name: "Facts" });
  baseId = Number(body.knowledge_base.id);
});

/** Every place where a text of a user becomes a search. */
const searches: Record<string, (text: string) => Promise<{ status: number }>> = {
  conversations: (text) => me.get(`/conversations?q=${encodeURIComponent(text)}`),
  minions: (text) => me.get(`/minions?q=${encodeURIComponent(text)}`),
  users: (text) => me.get(`/admin/users?q=${encodeURIComponent(text)}`),
  "failed jobs": (text) => me.get(`/admin/jobs/failed?name=${encodeURIComponent(text)}`),
  spirits: (text) => me.get(`/spirits?q=${encodeURIComponent(text)}`),
  tools: (text) => me.get(`/tools?q=${encodeURIComponent(text)}`),
  "a knowledge base": (query) => me.post(`/knowledge-bases/${baseId}/query`, { query, method: "keyword" }),
};

test.each(Object.keys(searches))("no text fails a search of %s", async (name) => {
  const texts = [...hardTexts, ...fc.sample(searchText, 12)];
  const statuses = new Map<string, number>();
  for (const text of texts) statuses.set(text, (await searches[name]!(text)).status);
  const failed = Array.from(statuses).filter(([, status]) => status !== 200 && status !== 422);
  expect(failed).toEqual([]);
});

test.each(["a%00b", "%ED%A0%80", "%FF", "%E0%80", "%", "a".repeat(20_000), "%F0%9F"])("q=%s is found or refused", async (q) => {
  for (const path of ["/conversations", "/minions", "/spirits", "/admin/users"]) {
    expect([200, 414, 422, 431]).toContain((await me.get(`${path}?q=${q}`)).status);
  }
});

test("no cookie and no query of a route that has none reaches Postgres with a NUL", async () => {
  const headers = { cookie: "__Host-spiritforge=%00token; __Host-spiritforge-device=%00" };
  expect((await api.get("/api/v2/me", { headers })).status).toBe(401);
  const body = JSON.stringify({ identifier: "nobody", password: "wrong" });
  const signIn = { method: "POST", body, headers: { ...headers, "content-type": "application/json" } };
  expect((await api.get("/api/auth/login", signIn)).status).toBeLessThan(500);
  expect((await me.get("/me?x=%00")).status).toBe(422);
});

test("a file's name may have any character", async () => {
  const boundary = "----boundary";
  const body = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="a\0b.txt"\r\ncontent-type: text/plain\r\n\r\nThe Danube ends in the Black Sea.\r\n--${boundary}--\r\n`;
  const person = await createUser(api);
  const headers = { authorization: `Bearer ${person.token}`, "content-type": `multipart/form-data; boundary=${boundary}` };
  expect((await api.get("/api/v2/datasets", { method: "POST", body, headers })).status).toBeLessThan(500);
});

test.each(["a\0b", "a\ud800"])("the query %j of a knowledge base is refused", async (query) => {
  expect((await me.post(`/knowledge-bases/${baseId}/query`, { query })).status).toBe(422);
});
