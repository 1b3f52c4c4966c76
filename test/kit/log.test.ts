import { globSync, readFileSync } from "node:fs";
import { afterEach, expect, test, vi } from "vitest";
import { AppError } from "../../src/kit/errors.ts";
import { log } from "../../src/kit/log.ts";
import { ProviderError } from "../../src/models/gateway/errors.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

function written(error: unknown): { text: string; line: Record<string, unknown> } {
  const write = vi.spyOn(console, "error").mockImplementation(() => {});
  log("error", "It failed.", { request_id: "r1", error });
  const text = String(write.mock.calls[0]?.[0]);
  return { text, line: JSON.parse(text) };
}

test("a log line is JSON with the error's stack and the messages of its causes", () => {
  const { line } = written(new Error("outer", { cause: new TypeError("inner") }));
  expect(line).toMatchObject({
    level: "error",
    message: "It failed.",
    request_id: "r1",
    error: { causes: ["TypeError: inner"] },
  });
  expect(JSON.stringify(line)).toContain("log.test.ts");
});

test("the parameters of a failed query are never logged", () => {
  const query = Object.assign(new Error("Failed query: select $1 params: hunter2", { cause: new Error("connection lost") }), {
    query: "select $1",
    params: ["hunter2"],
  });
  expect(written(query).text).not.toContain("hunter2");
  expect(written(new Error("outer", { cause: query })).text).not.toContain("hunter2");
  expect(written(query).text).toContain("connection lost");
});

test("a thrown value that is not an Error is not logged", () => {
  expect(written({ password: "hunter2" }).text).not.toContain("hunter2");
});

test("what a message repeats of its input is not written, and what it says is", () => {
  const text = `Unexpected "my diary" for ann@example.com at https://x.example/?token=1 with 'a note', \`b\`, sk-live-12345678, 0a1b2c3d4e5f6a7b8c9d`;
  const { line } = written(new Error(text, { cause: new SyntaxError('Unexpected token, "dear di" is not valid JSON') }));
  expect(line).toMatchObject({
    error: {
      reason: "Error: Unexpected … for … at … with …, …, …, …",
      causes: ["SyntaxError: Unexpected token, … is not valid JSON"],
    },
  });
});

test("an error for clients is written by its code, since its text may repeat theirs", () => {
  const error = new AppError("validation_failed", "name: must not contain Ann", { cause: new Error("because") });
  expect(written(error).line).toMatchObject({ error: { reason: "AppError: validation_failed", causes: ["Error: because"] } });
  vi.restoreAllMocks();
  expect(written(new ProviderError("refused", { name: "x", display_name: "X" })).line).toMatchObject({
    error: { reason: "ProviderError: provider_refused" },
  });
});

test("the SQLSTATE and the constraint of a query are written, and its detail is not", () => {
  const cause = Object.assign(new Error('violates the constraint "user_email_taken"'), {
    code: "23505",
    constraint: "user_email_taken",
    detail: "Key (email)=(ann@example.com) already exists.",
  });
  const { line, text } = written(new Error("outer", { cause }));
  expect(line).toMatchObject({ error: { code: "23505", constraint: "user_email_taken" } });
  expect(text).not.toContain("example");
});

test("a line has at most 1,000 bytes: the stack is cut first", () => {
  const deep = (left: number): Error =>
    left === 0 ? new Error("é".repeat(500), { cause: new Error("x ".repeat(500)) }) : deep(left - 1);
  const { text, line } = written(deep(30));
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1_000);
  expect(line).toMatchObject({
    message: "It failed.",
    error: { stack: expect.arrayContaining([expect.stringContaining("at ")]) },
  });
});

test("a field that is a text is redacted and cut", () => {
  const write = vi.spyOn(console, "warn").mockImplementation(() => {});
  log("warn", "It failed.", { name: "ann@example.com", list: ["a".repeat(300)], count: 3 });
  expect(JSON.parse(String(write.mock.calls[0]?.[0]))).toEqual({
    level: "warn",
    message: "It failed.",
    name: "…",
    list: ["a".repeat(160)],
    count: 3,
  });
});

test("every message is a constant, and nothing else writes to the console", () => {
  const sources = globSync("src/**/*.ts", { exclude: ["src/kit/log.ts", "src/bindings.d.ts"] }).map(
    (path) => [path, readFileSync(path, "utf8")] as const,
  );
  const constant =
    /(?<![.#\w])log\(\s*(?:"(?:info|warn|error)"|again \? "warn" : "error"),\s*(?:"[^"]+"|again \? "[^"]+" : "[^"]+")[,)]/g;
  for (const [path, source] of sources) {
    const calls = source.match(/(?<![.#\w])log\(/g)?.length ?? 0;
    const forwards = path === "src/kit/socket/socket-room.ts" ? 1 : 0;
    expect([path, source.match(constant)?.length ?? 0]).toEqual([path, calls - forwards]);
    expect([path, /\bconsole\./.test(source.replace(/\/\/.*|\/\*[\s\S]*?\*\//g, ""))]).toEqual([path, false]);
  }
});
