import { expect, test } from "vitest";
import { SocketQuery } from "../../src/notifications/schemas.ts";

test("a socket cursor is omitted or a whole number", () => {
  expect(SocketQuery.parse({ ticket: "t", after: "1000" })).toEqual({ ticket: "t", after: 1_000 });
  expect(SocketQuery.parse({ ticket: "t" })).toEqual({ ticket: "t" });
});

test.each(["", "1e3", "-1", "1.5", " 1", "1234567890123456"])("the socket cursor %j is refused", (after) => {
  expect(SocketQuery.safeParse({ ticket: "t", after }).success).toBe(false);
});
