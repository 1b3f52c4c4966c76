import { afterEach, expect, test, vi } from "vitest";
import { log } from "../../src/kit/log.ts";

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
