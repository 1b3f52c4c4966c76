import { describe, expect, test } from "vitest";
import * as z from "zod";
import { unknownKeyFaults, type UnknownKeys } from "../../src/http/unknown-keys.ts";

const Reply = z.object({ success: z.literal(true), message: z.string() });

function pathsOf(body: z.ZodType, value: unknown, unknownKeys?: UnknownKeys): string[] {
  return unknownKeyFaults({ body, reply: Reply, unknownKeys }, value).map(({ path }) => path);
}

const Inner = z.object({ a: z.string() });
const x = { a: "", x: 1 };

describe("an unknown key is found", () => {
  test.each<[string, z.ZodType, unknown, string[]]>([
    ["at the top", Inner, { a: "", x: 1, y: { z: 1 } }, ["x", "y"]],
    ["in an object that has other faults", Inner, { a: 1, x: 1 }, ["x"]],
    ["in an object", z.object({ in: z.object({ in: Inner }) }), { in: { in: x } }, ["in.in.x"]],
    ["in a list", z.object({ in: z.array(Inner) }), { in: [{ a: "" }, x, "text", null] }, ["in.1.x"]],
    ["in a list of lists", z.array(z.array(Inner)), [[], [x]], ["1.0.x"]],
    ["in a tuple", z.tuple([z.string(), Inner], Inner), ["", x, x], ["1.x", "2.x"]],
    ["in the values of a record", z.record(z.string(), Inner), { any: x }, ["any.x"]],
    ["in the rest of an object", z.object({}).catchall(Inner), { any: x }, ["any.x"]],
    ["in an optional object", Inner.optional(), x, ["x"]],
    ["in an object that can be null", Inner.nullish(), x, ["x"]],
    ["in an object with a default", Inner.default({ a: "" }), x, ["x"]],
    ["in an object with a prefault", Inner.prefault({ a: "" }), x, ["x"]],
    ["in an object that is caught", Inner.catch({ a: "" }), x, ["x"]],
    ["in a read-only object", Inner.readonly(), x, ["x"]],
    ["in an object with a rule", Inner.refine(() => false), x, ["x"]],
    ["in an object that is transformed", Inner.transform(() => ({ x: 1 })), x, ["x"]],
    ["in an object that is piped", Inner.pipe(z.looseObject({ a: z.string() })), x, ["x"]],
    ["in an object after a preprocessor", z.preprocess((value) => value, Inner), x, ["x"]],
    ["in a lazy object", z.lazy(() => Inner), x, ["x"]],
    ["in a partial object", Inner.partial(), { x: 1 }, ["x"]],
    ["in an intersection, where neither side knows it", Inner.and(z.object({ b: z.string() })), { ...x, b: "" }, ["x"]],
    [
      "by the name of an inherited property",
      Inner,
      JSON.parse('{"__proto__":1,"constructor":1,"toString":1}'),
      ["__proto__", "constructor", "toString"],
    ],
  ])("%s", (_, body, value, paths) => {
    expect(pathsOf(body, value)).toEqual(paths);
  });

  test("an unknown key is found in the option of a union that accepts the value, or knows most of its keys", () => {
    const Union = z.union([z.string(), z.array(Inner), z.object({ b: z.string(), c: z.string() }), Inner]);
    expect(pathsOf(Union, x)).toEqual(["x"]);
    expect(pathsOf(Union, { a: 1, x: 1 })).toEqual(["x"]);
    expect(pathsOf(Union, { b: 1, c: 1, x: 1 })).toEqual(["x"]);
    expect(pathsOf(Union, [x])).toEqual(["0.x"]);
    expect(pathsOf(Union, "text")).toEqual([]);
    const Discriminated = z.discriminatedUnion("type", [
      z.object({ type: z.literal("a"), in: Inner }),
      z.object({ type: z.literal("b"), b: z.string().optional() }),
    ]);
    expect(pathsOf(Discriminated, { type: "a", in: x, b: "" })).toEqual(["in.x", "b"]);
    expect(pathsOf(Discriminated, { type: "b", in: x, b: "" })).toEqual(["in"]);
  });
});

test("an unknown key is found in a schema that contains itself", () => {
  const Tree = z.object({ name: z.string(), children: z.array(z.lazy((): z.ZodType => Tree)) });
  const tree = { name: "", children: [{ name: "", children: [{ x: 1 }], x: 1 }] };
  expect(pathsOf(Tree, tree)).toEqual(["children.0.children.0.x", "children.0.x"]);
  const Either: z.ZodType = z.lazy(() => z.union([z.record(z.string(), z.array(Either)), z.array(Either), Inner]));
  expect(pathsOf(Either, [[x], { a: "", x: [x] }])).toEqual(["0.0.x", "1.x"]);
});

test("an open object takes any key at every depth", () => {
  const deep = { any: { x: [{ y: 1 }] } };
  for (const open of [z.record(z.string(), z.unknown()), z.looseObject({}), z.unknown(), z.any(), z.json()]) {
    expect(pathsOf(z.object({ open }), { open: deep })).toEqual([]);
  }
  expect(pathsOf(z.looseObject({ in: Inner }), { in: x, other: deep })).toEqual(["in.x"]);
  expect(pathsOf(z.union([z.string(), z.record(z.string(), z.unknown())]).nullable(), deep)).toEqual([]);
});

test("a value of another type is left to the schema", () => {
  for (const value of [null, undefined, 1, "text", [], [x]]) expect(pathsOf(Inner, value)).toEqual([]);
  expect(pathsOf(z.array(Inner), x)).toEqual([]);
});

test("a route can ignore unknown keys at the top level, or allow all", () => {
  const Body = z.object({ in: Inner });
  const value = { in: x, x: { y: 1 } };
  expect(pathsOf(Body, value, "refuse")).toEqual(["in.x", "x"]);
  expect(pathsOf(Body, value, "ignoreTopLevel")).toEqual(["in.x"]);
  expect(pathsOf(Body, value, "allow")).toEqual([]);
});

describe("a key of the resource is read-only", () => {
  const Resource = z.object({ id: z.int(), a: z.string(), class: z.object({ id: z.int() }).nullable() });
  const ok = { success: z.literal(true) };

  test.each<[string, z.ZodType, Record<string, string>]>([
    ["in a reply", z.object({ ...ok, thing: Resource }), { id: "is read-only", thing: "is not a known key" }],
    ["in a reply that can be null", z.object({ ...ok, thing: Resource.nullable() }), { id: "is read-only" }],
    ["in a list of a reply", z.object({ ...ok, things: z.array(Resource) }), { id: "is read-only" }],
    ["in a reply that is the resource", z.object({ ...ok, a: z.string(), id: z.int() }), { id: "is read-only" }],
    ["but not in another reply", z.object({ ...ok, id: z.int() }), { id: "is not a known key" }],
    [
      "by its own name alone",
      z.object({ ...ok, thing: Resource }),
      { success: "is not a known key", toString: "is not a known key" },
    ],
  ])("%s", (_, reply, expected) => {
    const value = { a: "", ...Object.fromEntries(Object.keys(expected).map((key) => [key, 1])) };
    const faults = unknownKeyFaults({ body: Inner, reply }, value);
    expect(Object.fromEntries(faults.map(({ path, message }) => [path, message]))).toEqual(expected);
  });

  test("a read-only key is found at every depth", () => {
    const body = z.object({ class: z.object({ name: z.string() }) });
    const faults = unknownKeyFaults({ body, reply: z.object({ ...ok, thing: Resource }) }, { class: { id: 1, x: 1 } });
    expect(faults).toEqual([
      { path: "class.id", in: "body", message: "is read-only" },
      { path: "class.x", in: "body", message: "is not a known key" },
    ]);
  });
});
