import { expect, test } from "vitest";
import { hashPassword, verifyPassword } from "../../src/auth/passwords.ts";

test("a password matches its own hash, in any Unicode form", async () => {
  const hash = await hashPassword("Zürich am See 12");
  expect(await verifyPassword("Zu\u0308rich am See 12", hash)).toBe(true);
  expect(await verifyPassword("Zurich am See 12", hash)).toBe(false);
});

test.each([
  ["without a stored hash", undefined],
  ["with a stored hash that is damaged", "$scrypt$ln=14"],
])("a check %s computes a hash too, so that it takes as long", async (_, stored) => {
  // Two hashes run and sixteen wait. The others are refused, which shows that each check wants a hash.
  const checks = await Promise.allSettled(Array.from({ length: 20 }, () => verifyPassword("correct horse battery", stored)));
  expect(checks.filter((check) => check.status === "fulfilled" && !check.value)).toHaveLength(18);
  expect(checks.filter((check) => check.status === "rejected").map(({ reason }) => reason.code)).toEqual([
    "rate_limited",
    "rate_limited",
  ]);
});
