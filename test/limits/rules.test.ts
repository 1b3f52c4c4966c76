import { describe, expect, test } from "vitest";
import {
  addressGroup,
  withFailure,
  delayMs,
  failuresAt,
  resetsAt,
  freeFailures,
  normalizeIdentifier,
  waitMs,
  withoutAttempt,
  type Budget,
} from "../../src/limits/rules.ts";

test.each([
  ["203.0.113.7", "203.0.113.7"],
  ["::ffff:203.0.113.7", "203.0.113.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:DB8:0001:2::6", "2001:db8:1:2::/64"],
  ["2001:db8::6", "2001:db8:0:0::/64"],
  ["2001:db8:1::2:3:4:5", "2001:db8:1:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["::", "0:0:0:0::/64"],
])("the address %s belongs to %s", (ip, group) => {
  expect(addressGroup(ip)).toBe(group);
});

test("all spellings of an identifier are equal", () => {
  for (const spelling of ["Ada@Example.com", "  ada@example.com ", "ａda@example.com"]) {
    expect(normalizeIdentifier(spelling)).toBe("ada@example.com");
  }
});

describe("sign-in delays", () => {
  test("delays begin after the free failures and double up to five minutes", () => {
    const seconds = Array.from({ length: 18 }, (_, failures) => delayMs(failures) / 1_000);
    expect(seconds).toEqual([0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]);
  });

  test("delays never exceed five minutes and allow at most twelve guesses an hour", () => {
    let now = 0;
    let budget: Budget = { failures: 0, tried_at: 0 };
    const guesses: number[] = [];
    while (now < 24 * 3_600_000) {
      const wait = waitMs(budget, now);
      expect(wait).toBeLessThanOrEqual(300_000);
      now += wait;
      budget = withFailure(budget, now);
      guesses.push(now);
    }
    expect(guesses.filter((at) => at > 12 * 3_600_000).length).toBeLessThanOrEqual(12 * 12 + 1);
  });

  test("occasional mistakes do not add up to a delay", () => {
    let budget: Budget = { failures: 0, tried_at: 0 };
    for (let now = 0; now < 24 * 3_600_000; now += 15 * 60_000) {
      expect(waitMs(budget, now)).toBe(0);
      budget = withFailure(budget, now);
    }
    expect(budget.failures).toBe(1);
  });

  test("delays do not shrink between quick attempts or grow when the clock goes back", () => {
    let budget: Budget = { failures: 0, tried_at: 0 };
    for (let i = 0; i < freeFailures; i += 1) budget = withFailure(budget, i * 300);
    expect(waitMs(budget, budget.tried_at)).toBe(1_000);
    expect(waitMs(budget, budget.tried_at - 3_600_000)).toBe(1_000);
    expect(failuresAt(budget, budget.tried_at - 3_600_000)).toBe(budget.failures);
  });
});

test("one failure is forgiven every ten minutes", () => {
  const budget = { failures: 6, tried_at: 0 };
  expect(failuresAt(budget, 10 * 60_000)).toBe(5);
  expect(failuresAt(budget, 55 * 60_000)).toBe(0.5);
  expect(failuresAt(budget, resetsAt(budget))).toBe(0);
});

test("a refunded attempt leaves no trace but its time", () => {
  const budget = { failures: 2, tried_at: 0 };
  expect(withoutAttempt(withFailure(budget, 0))).toEqual(budget);
  expect(withoutAttempt({ failures: 0.5, tried_at: 0 }).failures).toBe(0);
});
