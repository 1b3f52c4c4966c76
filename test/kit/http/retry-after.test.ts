import { expect, test } from "vitest";
import { boundedWait, secondsToWait } from "../../../src/kit/http/retry-after.ts";

test.each([
  ["5", 5],
  ["0.5", 0.5],
  ["-3", 0],
  ["9e15", 86_400],
  ["1e400", null],
  ["Infinity", null],
  ["soon", null],
  ["", null],
  [null, null],
  ["Thu, 01 Jan 1970 00:00:00 GMT", 0],
  ["Fri, 31 Dec 9999 23:59:59 GMT", 86_400],
])("Retry-After %j is %j seconds", (value, seconds) => expect(secondsToWait(value)).toBe(seconds));

test.each([
  [1.5, 1.5],
  [-1, 0],
  [1e300, 86_400],
  [Number.NaN, null],
])("a wait of %d seconds is %j", (seconds, bounded) => expect(boundedWait(seconds)).toBe(bounded));
