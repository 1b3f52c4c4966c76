import * as fc from "fast-check";
import { hostileText, hostileValue } from "./hostile-values.ts";

/** The part of JSON Schema that zod writes. */
export type JsonSchema = {
  $ref?: string;
  type?: string | string[];
  const?: unknown;
  enum?: readonly unknown[];
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  items?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  required?: readonly string[];
  additionalProperties?: JsonSchema | boolean;
  anyOf?: readonly JsonSchema[];
  oneOf?: readonly JsonSchema[];
  allOf?: readonly JsonSchema[];
};

export type SchemaContext = {
  /** The schema that a `$ref` names. */
  resolve(reference: string): JsonSchema;
  /** Values that exist for a property, such as IDs; empty if there are none. Read at each generation. */
  candidates(property: string): readonly unknown[];
  /** One part in so many is a hostile value. Infinity: never. */
  rarity: number;
};

const maxDepth = 5;

/** Values that a schema accepts, and, in one part of `rarity`, values that it need not accept. */
export function valuesOf(schema: JsonSchema, context: SchemaContext, property = "", depth = 0): fc.Arbitrary<unknown> {
  const valid = fc.oneof(
    { weight: 3, arbitrary: existing(schema, context, property, depth) },
    { weight: 1, arbitrary: wellFormed(schema, context, property, depth) },
  );
  if (!Number.isFinite(context.rarity)) return valid;
  return fc.oneof({ weight: context.rarity, arbitrary: valid }, { weight: 1, arbitrary: hostileValue });
}

/** One of the candidates for a property, or a well-formed value if there are none. */
function existing(schema: JsonSchema, context: SchemaContext, property: string, depth: number): fc.Arbitrary<unknown> {
  const otherwise = wellFormed(schema, context, property, depth);
  return fc.tuple(fc.nat(), otherwise).map(([index, value]) => {
    const known = context.candidates(property);
    const candidate = known[index % Math.max(1, known.length)];
    if (candidate === undefined) return value;
    return schema.type === "array" ? [candidate] : candidate;
  });
}

function wellFormed(schema: JsonSchema, context: SchemaContext, property: string, depth: number): fc.Arbitrary<unknown> {
  if (schema.$ref !== undefined) return wellFormed(context.resolve(schema.$ref), context, property, depth);
  if ("const" in schema) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) return fc.oneof(...options.map((option) => wellFormed(option, context, property, depth)));
  if (schema.allOf !== undefined) return allOf(schema.allOf, context, property, depth);
  const types = typeof schema.type === "string" ? [schema.type] : (schema.type ?? ["any"]);
  return fc.oneof(...types.map((type) => ofType(type, schema, context, property, depth)));
}

/** The members of all schemas together, as far as they are objects. */
function allOf(schemas: readonly JsonSchema[], context: SchemaContext, property: string, depth: number): fc.Arbitrary<unknown> {
  const parts = schemas.map((schema) => wellFormed(schema, context, property, depth));
  return fc.tuple(...parts).map((values) => Object.assign({}, ...(values as object[])) as unknown);
}

function ofType(
  type: string,
  schema: JsonSchema,
  context: SchemaContext,
  property: string,
  depth: number,
): fc.Arbitrary<unknown> {
  switch (type) {
    case "string":
      return text(schema);
    case "integer":
      return fc.integer(range(schema, -(2 ** 31), 2 ** 31 - 1));
    case "number":
      return fc.double({ ...range(schema, -1e6, 1e6), noNaN: true });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array":
      return depth >= maxDepth ? fc.constant([]) : list(schema, context, property, depth);
    case "object":
      return depth >= maxDepth ? fc.constant({}) : object(schema, context, depth);
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function range({ minimum, maximum }: JsonSchema, low: number, high: number): { min: number; max: number } {
  const min = Math.max(minimum ?? low, -Number.MAX_SAFE_INTEGER);
  return { min, max: Math.max(min, Math.min(maximum ?? high, Number.MAX_SAFE_INTEGER)) };
}

function list(schema: JsonSchema, context: SchemaContext, property: string, depth: number): fc.Arbitrary<unknown> {
  const min = schema.minItems ?? 0;
  const max = Math.max(min, Math.min(schema.maxItems ?? 4, min + 4));
  return fc.array(valuesOf(schema.items ?? {}, context, property, depth + 1), { minLength: min, maxLength: max });
}

function object(schema: JsonSchema, context: SchemaContext, depth: number): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties } = schema;
  const members = Object.fromEntries(
    Object.entries(properties).map(([name, member]) => [name, valuesOf(member, context, name, depth + 1)]),
  );
  const fixed = fc.record(members, { requiredKeys: required.filter((name) => name in members), noNullPrototype: true });
  if (typeof additionalProperties !== "object") return fixed;
  const extra = fc.dictionary(fc.string({ maxLength: 12 }), valuesOf(additionalProperties, context, "", depth + 1), {
    maxKeys: 3,
    noNullPrototype: true,
  });
  return fc.tuple(extra, fixed).map(([more, own]) => ({ ...more, ...own }));
}

function text({ format, pattern, minLength = 0, maxLength = 200 }: JsonSchema): fc.Arbitrary<unknown> {
  if (format === "email") return fc.stringMatching(/^[a-z0-9]{1,12}(\.[a-z]{1,5})?@[a-z0-9]{1,12}\.(com|org)$/);
  if (pattern !== undefined) {
    // A repeated or cut text mostly matches, too.
    const fit = (found: string) => found.repeat(found === "" ? 1 : Math.max(1, Math.ceil(minLength / found.length)));
    return matching(pattern).map((found) =>
      (found.length < minLength ? fit(found) : found).slice(0, Math.max(minLength, maxLength)),
    );
  }
  if (format === "uri") return fc.webUrl();
  if (format === "uuid") return fc.uuid();
  if (format === "date-time" || format === "date") {
    const days = { min: new Date("2020-01-01"), max: new Date("2035-01-01"), noInvalidDate: true };
    return fc.date(days).map((date) => (format === "date" ? date.toISOString().slice(0, 10) : date.toISOString()));
  }
  const bounds = { minLength, maxLength: Math.max(minLength, Math.min(maxLength, minLength + 60)) };
  return fc.oneof(fc.string({ ...bounds, unit: "grapheme" }), fc.string({ ...bounds, unit: "grapheme-ascii" }));
}

/** Texts that match a pattern; hostile texts for a pattern that fast-check cannot read. */
function matching(pattern: string): fc.Arbitrary<string> {
  try {
    return fc.stringMatching(new RegExp(pattern));
  } catch {
    return hostileText;
  }
}
