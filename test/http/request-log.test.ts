import { expect, test } from "vitest";
import { useApi } from "../support/api.ts";
import { parseLines, type LogLine } from "../support/log-lines.ts";
import { authHeader, createUser } from "../support/users.ts";

/** The line that the Worker writes for each request. */

const api = useApi();

let asked = 0;

/** Sends a request, and waits for its lines. */
async function linesOf(path: string, init: RequestInit = {}): Promise<LogLine[]> {
  asked += 1;
  const id = `log-test-${String(asked).padStart(4, "0")}`;
  await api.get(path, { ...init, headers: { ...(init.headers as Record<string, string>), "x-request-id": id } });
  const lines = () => parseLines(api.logs()).filter(({ request_id }) => request_id === id);
  await expect.poll(() => lines().filter(({ event }) => event === "request").length).toBe(1);
  return lines();
}

test("a request has one line, with the pattern of its route, its caller and its round trips", async () => {
  const person = await createUser(api);
  const [line, ...others] = await linesOf("/api/v2/minions/77?private=word", {
    headers: authHeader(person.token),
  });
  expect(others).toEqual([]);
  expect(line).toEqual({
    level: "info",
    event: "request",
    outcome: "refused",
    error_code: expect.any(String),
    route: "/api/v2/minions/:id",
    method: "GET",
    actor: "user",
    request_id: expect.any(String),
    status: expect.any(Number),
    duration_ms: expect.any(Number),
    db: expect.any(Number),
    kv: expect.any(Number),
    do: 0,
    user_id: person.id,
  });
});

test("a path without a route is unmatched, and a wrong method too", async () => {
  expect(await linesOf("/api/v2/some-private-word")).toMatchObject([
    { route: "unmatched", outcome: "refused", error_code: "not_found", status: 404, actor: "anonymous" },
  ]);
  expect(await linesOf("/api/v2/users/x", { method: "PUT", body: "{" })).toMatchObject([{ route: "unmatched" }]);
  expect(JSON.stringify(api.logs())).not.toContain("some-private-word");
});

test("a caller without the permission is named", async () => {
  const person = await createUser(api);
  expect(await linesOf("/api/v2/admin/overview", { headers: authHeader(person.token) })).toMatchObject([
    { outcome: "refused", error_code: "forbidden", status: 403, actor: "user", user_id: person.id },
  ]);
});

test("an invalid token is not a user, and a refused request keeps its route", async () => {
  expect(await linesOf("/api/v2/admin/overview", { headers: authHeader("wrong") })).toMatchObject([
    { route: "/api/v2/admin/overview", outcome: "refused", error_code: "unauthenticated", status: 401, actor: "anonymous" },
  ]);
});

test("a cached reply has the same line as the first one, under its canonical route", async () => {
  const path = "/api/v2/spirits/1";
  const first = await linesOf(path);
  const second = await linesOf("/api/spirits/1");
  const line = { event: "request", outcome: "ok", route: "/api/v2/spirits/:id", method: "GET", status: 200 };
  expect(first).toMatchObject([{ ...line, actor: "anonymous" }]);
  expect(second).toMatchObject([{ ...line, actor: "anonymous", db: 0, kv: 0, do: 0 }]);
});

test("a failed request has the stack once, with its ID, beside its line", async () => {
  await api.stopPostgres();
  const person = { authorization: "Bearer nobody-of-whom-we-know" };
  const lines = await linesOf("/api/v2/minions", { headers: person });
  await api.startPostgres();
  expect(lines).toHaveLength(2);
  expect(lines).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        level: "error",
        event: "request",
        outcome: "failed",
        error_code: "database_unavailable",
        status: 503,
      }),
      expect.objectContaining({
        level: "error",
        message: "A request failed.",
        route: "/api/v2/minions",
        error_code: "database_unavailable",
        error: expect.objectContaining({ reason: expect.stringContaining("NeonDbError"), stack: expect.any(Array) }),
      }),
    ]),
  );
});

test("an ID that looks like a key is not taken over", async () => {
  const reply = await api.get("/health", { headers: { "x-request-id": "sk-live-0123456789abcdef" } });
  expect(reply.headers.get("x-request-id")).not.toContain("sk-live");
});
