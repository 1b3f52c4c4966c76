import { expect, test } from "vitest";
import { matchesEtag } from "../../../src/kit/http/etag.ts";

test.each([
  ['"abc"', true],
  ['W/"abc"', true],
  ["*", true],
  ['"x", "abc"', true],
  ['"x" ,W/"abc" , "y"', true],
  ['"x", "y"', false],
  ["abc", false],
  ['"ab"', false],
  ["", false],
])('If-None-Match: %s matches "abc": %s', (header, matches) => {
  expect(matchesEtag(header, '"abc"')).toBe(matches);
});
