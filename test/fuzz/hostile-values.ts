import * as fc from "fast-check";

/** Values that have broken servers before: texts, numbers and JSON that a careless reader believes. */

const long = "x".repeat(20_000);

/** Texts for any place where a client may write one. */
const hostileTexts = Object.values({
  control: ["", " ", "\t\n", "\0", "a\0b", "\ud800", "a\udfffb", "\udfff\ud800", "\ufeff", "\u202egnp.exe", "\u2028"],
  unicode: ["👩‍👩‍👧‍👦", "İ", "ß", "ﷺ".repeat(50), "e\u0301".repeat(300), "٣", "１２３", "𝒜"],
  long: [long, "a".repeat(300), "é".repeat(129), "%".repeat(200), "-".repeat(33), "<div>".repeat(500)],
  sql: ["'", '"', "\\", "' or 1=1 --", "'; select pg_sleep(9) --", "$1", "$$", "%", "_", "%_%", "\\%"],
  search: ["a & | ! b", ":*", "'a' <-> 'b'", "- - -", "(((", "!(a&b)|c:*", '"unterminated', "and or not", "*", "<->"],
  templates: ["${7*7}", "{{7*7}}", "<script>alert(1)</script>"],
  paths: ["../../etc/passwd", "..%2f..%2f", "C:\\x", "/dev/null"],
  names: ["__proto__", "constructor", "toString", "null", "undefined", "true"],
  numbers: ["NaN", "Infinity", "1e999", "-0", "0x10", "1.5", "-1", "0", "+1", "1e3", "1,2", "00000000001"],
  bounds: ["2147483647", "2147483648", "4294967296", "9007199254740993", "9".repeat(40)],
  urls: ["\r\nX-Injected: 1", "javascript:alert(1)", "https://127.0.0.1/", "http://[::1]/", "https://user:pass@example.com/"],
  dates: ["2026-02-30", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "+275760-09-13T00:00:00.000Z"],
  json: ["[]", "{}", "[[[["],
}).flat();

const hostileNumbers = Object.values({
  small: [0, -0, -1, 1.5, 0.1 + 0.2, 1e-300],
  huge: [1e308, -1e308, 2 ** 63, -(2 ** 63), Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER + 2],
  int4: [2 ** 31 - 1, 2 ** 31, -(2 ** 31) - 1, 2 ** 32],
}).flat();

/** JSON so deep that a recursive reader fails. */
const deep = (depth: number): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
};

export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...hostileTexts) },
  { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 60 }) },
  { weight: 1, arbitrary: fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)), maxLength: 20 }) },
);

export const hostileNumber: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(...hostileNumbers),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
);

/** Any JSON value. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: hostileText },
  { weight: 3, arbitrary: hostileNumber },
  { weight: 3, arbitrary: fc.constantFrom<unknown>(null, true, false, [], {}, [null], [[]], "", { length: 1e9 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(300, 3_000).map(deep),
  },
  { weight: 1, arbitrary: fc.constantFrom(100, 5_000).map((length) => Array.from({ length }, (_, index) => index)) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
);

const encoder = new TextEncoder();

/** Makes a body of JSON one that is none, or nearly none. */
const spoilers: readonly ((json: string) => Uint8Array)[] = [
  () => new Uint8Array(),
  (json) => encoder.encode(json.slice(0, Math.floor(json.length / 2))),
  (json) => encoder.encode(`\ufeff${json}`),
  (json) => new Uint8Array(Buffer.from(json, "utf16le")),
  (json) => Uint8Array.of(...encoder.encode(json.slice(0, -1)), 0xff, 0xfe),
  (json) => encoder.encode(json.replace(/\d+/, "1e999")),
  (json) => encoder.encode(json.replace(/:/, ":NaN")),
  (json) => encoder.encode(json.replace(/\}$/, ',"__proto__":{"is_admin":true}}')),
  (json) => encoder.encode(json.replace(/^\{/, '{"a":1,"a":{"b":2},')),
  (json) => encoder.encode(`${json},`),
  () => encoder.encode("[".repeat(20_000)),
  () => encoder.encode(`${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`),
  () => encoder.encode(`"${"x".repeat(70_000)}"`),
  () => encoder.encode("null"),
  () => encoder.encode("\0"),
];

/** A malformed body in place of this JSON. */
export const spoiled = (json: string): fc.Arbitrary<Uint8Array> => fc.constantFrom(...spoilers).map((spoil) => spoil(json));

const headerValues: Readonly<Record<string, readonly string[]>> = {
  "if-match": ["*", '"1"', 'W/"2"', '"99999999999"', "1", '"', '"a", "b"'],
  "if-none-match": ["*", '"x"', "W/", ",".repeat(500)],
  "idempotency-key": ["same-key", "x".repeat(201), "ÿ", "a b", " "],
  range: ["bytes=0-0", "bytes=-1", "bytes=9-1", "bytes=0-,1-", "bytes=99999999999-", "rows=1"],
  "content-encoding": ["gzip", "br", "identity;q=0"],
  accept: ["text/event-stream", "text/html", "*/*;q=0", "application/json;q=9", ",", "x".repeat(2_000)],
  origin: ["null", "https://evil.example"],
  referer: ["\u00ff"],
  "x-request-id": ["x".repeat(500), "<script>"],
  "x-http-method-override": ["DELETE"],
  "x-forwarded-for": ["127.0.0.1"],
  "x-forwarded-host": ["evil.example"],
  "x-user-id": ["1"],
  cookie: ["__Host-spiritforge=%00; __Host-spiritforge-device=%ff"],
  upgrade: ["websocket"],
  expect: ["100-continue"],
  "access-control-request-method": ["DELETE"],
  "user-agent": ["\u00e9".repeat(3_000)],
  "last-event-id": ["9".repeat(30)],
  "if-modified-since": ["yesterday"],
};

/** Headers that a client may send with anything. */
export const hostileHeader: fc.Arbitrary<readonly [string, string]> = fc.constantFrom(
  ...Object.entries(headerValues).flatMap(([name, values]) => values.map((value) => [name, value] as const)),
);

const contentTypes = Object.values({
  other: ["text/plain", "application/x-www-form-urlencoded", "application/xml", "image/png"],
  forms: ["multipart/form-data", "multipart/form-data; boundary="],
  json: ["application/json; charset=utf-16", "APPLICATION/JSON", "application/vnd.api+json"],
  malformed: ["/", ",", "json"],
}).flat();

/** Types of content that no route, or another route, takes. */
export const hostileContentType: fc.Arbitrary<string> = fc.constantFrom(...contentTypes);
