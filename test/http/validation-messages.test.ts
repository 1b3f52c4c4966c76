import { expect, test } from "vitest";
import * as z from "zod";
import { validate } from "../../src/http/validate.ts";
import type { ValidationIssue } from "../../src/kit/errors.ts";

const Body = z.strictObject({
  name: z.string().min(2).max(2_000),
  level: z.number().min(1),
  count: z.int().max(3),
  rank: z.enum(["Novice", "Expert"]),
  tags: z.array(z.string()).min(2),
  email: z.email(),
  url: z.union([z.literal(""), z.url()]),
  kind: z.discriminatedUnion("type", [z.object({ type: z.literal("a") }), z.object({ type: z.literal("b") })]),
  custom: z.string().regex(/^x$/, "must be x"),
});

const valid = {
  name: "Ada",
  level: 1,
  count: 3,
  rank: "Novice",
  tags: ["a", "b"],
  email: "ada@example.com",
  url: "",
  kind: { type: "a" },
  custom: "x",
};

test("a valid value has no issues", () => {
  const faults: ValidationIssue[] = [];
  expect(validate(Body, valid, "body", faults)).toEqual(valid);
  expect(faults).toEqual([]);
});

test.each<[object, string, string]>([
  [{ name: undefined }, "name", "is required"],
  [{ rank: undefined }, "rank", "is required"],
  [{ email: undefined }, "email", "is required"],
  [{ url: undefined }, "url", "is required"],
  [{ name: 1 }, "name", "must be a string, not a number"],
  [{ name: null }, "name", "must be a string, not null"],
  [{ name: "A" }, "name", "must have at least 2 characters"],
  [{ name: "A".repeat(2_001) }, "name", "must have at most 2,000 characters"],
  [{ level: "1" }, "level", "must be a number, not a string"],
  [{ level: 0 }, "level", "must be at least 1"],
  [{ count: 1.5 }, "count", "must be a whole number"],
  [{ count: 4 }, "count", "must be at most 3"],
  [{ rank: "King" }, "rank", "must be one of: Novice, Expert"],
  [{ tags: ["a"] }, "tags", "must have at least 2 items"],
  [{ tags: {} }, "tags", "must be a list, not an object"],
  [{ email: "ada" }, "email", "must be an email address"],
  [{ url: "ada" }, "url", "must be a URL"],
  [{ url: 1 }, "url", "must be empty, or must be a string, not a number"],
  [{ kind: {} }, "kind.type", "is required"],
  [{ kind: { type: "c" } }, "kind.type", "must be one of: a, b"],
  [{ custom: "y" }, "custom", "must be x"],
  [{ extra: 1 }, "", "has an unknown field: extra"],
  [{ extra: 1, more: 1 }, "", "has unknown fields: extra, more"],
])("%j: the message of %j is %j", (change, path, message) => {
  const faults: ValidationIssue[] = [];
  expect(validate(Body, { ...valid, ...change }, "body", faults)).toBeUndefined();
  expect(faults).toEqual([{ path, in: "body", message }]);
});
