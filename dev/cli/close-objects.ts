import type { UnknownKeys } from "../../src/http/unknown-keys.ts";

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

/**
 * Adds `additionalProperties: false` to the objects of a body's JSON schema whose unknown keys a route refuses. Objects that are open
 * by contract already have `additionalProperties`.
 * @throws an error for a schema with an ID, because a component cannot be open in one route and closed in another
 */
export function closeObjects(schema: object, unknownKeys: UnknownKeys): object {
  if (unknownKeys === "allow") return schema;
  if ("$ref" in schema) {
    // It is open.
    if (schema.$ref === "#/components/schemas/JsonValue") return schema;
    throw new Error(`The schema of a body must not have an ID, as ${String(schema.$ref)} has.`);
  }
  const isOpen =
    !("type" in schema && schema.type === "object") || unknownKeys === "ignoreTopLevel" || "additionalProperties" in schema;
  return {
    ...Object.fromEntries(Object.entries(schema).map(closeKeyword)),
    ...(isOpen ? {} : { additionalProperties: false }),
  };

  function closeKeyword([keyword, value]: [string, unknown]): [string, unknown] {
    if (!isObject(value)) return [keyword, value];
    if (keyword === "properties") {
      return [keyword, Object.fromEntries(Object.entries(value).map(([key, property]) => [key, close(property)]))];
    }
    // The options of a union stand for the value itself.
    if (["anyOf", "oneOf"].includes(keyword)) {
      return [keyword, (value as object[]).map((option) => closeObjects(option, unknownKeys))];
    }
    if (keyword === "prefixItems") return [keyword, (value as object[]).map(close)];
    return [keyword, ["items", "additionalProperties"].includes(keyword) ? close(value) : value];
  }
}

const close = (schema: unknown) => (isObject(schema) ? closeObjects(schema, "refuse") : schema);
