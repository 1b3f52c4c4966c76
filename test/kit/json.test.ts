import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JsonError, jsonLimits, parseJson } from "../../src/kit/json.ts";

/** The path and the message of the refusal of a text. */
function refusal(text: string, limits = jsonLimits): [path: string, message: string] {
  try {
    parseJson(text, limits);
  } catch (error) {
    if (error instanceof JsonError) return [error.path, error.message];
    throw error;
  }
  return expect.unreachable("it was parsed");
}

function parsedOrRefused(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof JsonError) return "refused";
    throw error;
  }
}

const nested = (depth: number, [open, close]: readonly [string, string] = ["[", "]"]) =>
  `${open.repeat(depth)}1${close.repeat(depth)}`;

describe("JSON within the limits", () => {
  test("JSON within the limits is parsed as JSON.parse does", () => {
    const property = fc.property(fc.jsonValue({ maxDepth: 8 }), fc.nat(3), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      return text.includes("__proto__") || isDeepStrictEqual(parseJson(text), JSON.parse(text));
    });
    expect(fc.check(property)).toMatchObject({ failed: false });
  });

  test("texts may have braces, quotes, colons and commas", () => {
    const value = { '{"a\\': '[[[{"', "b\\\\": '\\"', c: ["}", ",", ":", '\\\\"'] };
    expect(parseJson(JSON.stringify(value))).toEqual(value);
    const deepText = { text: '{"a":['.repeat(1_000) };
    expect(parseJson(JSON.stringify(deepText))).toEqual(deepText);
  });

  test("JSON at the limits is parsed", () => {
    expect(parseJson(nested(jsonLimits.maxDepth))).toBeDefined();
    expect(parseJson(JSON.stringify(Array(jsonLimits.maxValues).fill(1)))).toHaveLength(jsonLimits.maxValues);
    expect(parseJson("[1,2]", { maxDepth: 1, maxValues: 2 })).toEqual([1, 2]);
  });
});

describe("JSON that is refused", () => {
  test.each([65, 3_000, 30_000, 1_000_000])("JSON nested %i levels deep is refused with the path", (depth) => {
    const message = "is nested more than 64 levels deep";
    expect(refusal(nested(depth))).toEqual([Array(64).fill(0).join("."), message]);
    expect(refusal(nested(depth, ['{"a":', "}"]))).toEqual([Array(64).fill("a").join("."), message]);
    expect(refusal(`{"parameters":[1,${"[".repeat(depth)}`)[0]).toMatch(/^parameters\.1\.0\.0/);
  });

  test("JSON with a million members, items or braces is refused", () => {
    const message = "has more than 10000 values";
    const members = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`k${index}`, 1]));
    expect(refusal(JSON.stringify(members))).toEqual(["", message]);
    expect(refusal(`[${"1,".repeat(1_000_000)}1]`)).toEqual(["", message]);
    expect(refusal(`[${"{},".repeat(1_000_000)}{}]`)).toEqual(["", message]);
  });

  test.each([
    ['{"a":{"b":[0,1e400]}}', "a.b.1", "is a number that is too large"],
    ['{"a":-1E999}', "a", "is a number that is too large"],
    [`{"a":${"9".repeat(400)}}`, "a", "is a number that is too large"],
    ['{"a":1,"b":2,"a":3}', "a", "occurs twice in its object"],
    [String.raw`[{"a":1,"\u0061":2}]`, "0.a", "occurs twice in its object"],
    ['{"a":{"__proto__":{}}}', "a.__proto__", "is not an allowed name"],
    [String.raw`{"__pr\u006fto__":1}`, "__proto__", "is not an allowed name"],
    [`{"${"x".repeat(500)}":1e400}`, `${"x".repeat(200)}…`, "is a number that is too large"],
  ])("%s", (text, path, message) => expect(refusal(text)).toEqual([path, message]));

  test.each(["", "{", "[1,2", '"half', "undefined", "{]", "[1:2]", '{"a":1e}', "nul", "1 2", "\ud800", "]]]]", ":", ",", "\\"])(
    "is not JSON: %j",
    (text) => expect(refusal(text)).toEqual(["", "is not valid JSON"]),
  );

  test("no text causes another error", () => {
    const token = fc.constantFrom("{", "}", "[", "]", ":", ",", '"', "\\", "1", "e", "-", "t");
    const texts = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: token }));
    const property = fc.property(texts, (text) => {
      const parsed = parsedOrRefused(text);
      return parsed === "refused" || isDeepStrictEqual(parsed, JSON.parse(text));
    });
    expect(fc.check(property)).toMatchObject({ failed: false });
  });
});
