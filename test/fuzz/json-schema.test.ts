import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bodied, document } from "../support/openapi-operations.ts";
import { ajv } from "../support/openapi-replies.ts";
import { valuesOf, type JsonSchema, type SchemaContext } from "./json-schema.ts";

const context: SchemaContext = {
  rarity: Infinity,
  resolve: (reference) => document.components.schemas[reference.split("/").at(-1)!]! as JsonSchema,
  candidates: () => [],
};

describe("the values of a schema", () => {
  const schemas = bodied.map(({ name, operation }) => ({
    name,
    schema: operation.requestBody!.content["application/json"]!.schema as JsonSchema,
  }));

  test.each(schemas)("of the body of $name are accepted by it, mostly", ({ schema }) => {
    const validate = ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"openapi#/')));
    const values = fc.sample(valuesOf(schema, context), { seed: 1, numRuns: 40 });
    const accepted = values.filter((value) => validate(JSON.parse(JSON.stringify(value))));
    expect(accepted.length).toBeGreaterThan(20);
  });

  test("the same seed gives the same values", () => {
    const sample = () => fc.sample(valuesOf(schemas[0]!.schema, context), { seed: 7, numRuns: 20 });
    expect(sample()).toEqual(sample());
  });

  test("known values are used where there are any, and hostile ones at the given rarity", () => {
    const schema: JsonSchema = { type: "object", properties: { id: { type: "integer" } }, required: ["id"] };
    const sample = (given: Partial<SchemaContext>) =>
      fc.sample(valuesOf(schema, { ...context, candidates: (name) => (name === "id" ? [42] : []), ...given }), {
        seed: 1,
        numRuns: 200,
      });
    const ids = sample({}).map((value) => (value as { id: number }).id);
    expect(ids.filter((id) => id === 42).length).toBeGreaterThan(100);
    const hostile = sample({ rarity: 1 }).filter((value) => typeof (value as { id?: unknown } | null)?.id !== "number");
    expect(hostile.length).toBeGreaterThan(50);
  });
});
