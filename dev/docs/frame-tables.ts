import * as z from "zod";
import { renderTable } from "./render-table.ts";

/** The part of JSON Schema that zod writes for frames. */
type Schema = {
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  minLength?: number;
  maxLength?: number;
  maxItems?: number;
};

/**
 * A Markdown table of the frames that a schema accepts: their type, their fields and what they mean.
 * @param from who sends them: a client may leave out a field that has a default, and every frame of the server has `seq`
 */
export function frameTable(frames: z.ZodType, from: "client" | "server"): string {
  const schema = z.toJSONSchema(frames, { io: from === "client" ? "input" : "output" }) as Schema;
  const rows = objectsOf(schema).map(({ description, properties = {}, required = [] }) => {
    const { type, ...fields } = properties;
    const shown = Object.entries(fields)
      .filter(([name]) => from === "client" || name !== "seq")
      .map(([name, field]) => renderField(name, field, required.includes(name)));
    return [valuesOf(type ?? {}).join(", "), shown.join("; ") || "–", type?.description ?? description ?? ""];
  });
  const hasMeanings = rows.some(([, , meaning]) => meaning !== "");
  const columns = hasMeanings ? 3 : 2;
  return renderTable([["frame", "fields", "meaning"], ...rows].map((row) => row.slice(0, columns)));
}

/** The object schemas of a union or an intersection. */
function objectsOf(schema: Schema): Schema[] {
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) return options.flatMap(objectsOf);
  if (schema.allOf === undefined) return [schema];
  return schema.allOf.map(objectsOf).reduce((left, right) => left.flatMap((a) => right.map((b) => merge(a, b))));
}

function merge(a: Schema, b: Schema): Schema {
  return {
    ...a,
    ...b,
    properties: { ...a.properties, ...b.properties },
    required: [...(a.required ?? []), ...(b.required ?? [])],
  };
}

function renderField(name: string, schema: Schema, isRequired: boolean): string {
  const description = schema.description === undefined ? "" : ` (${schema.description})`;
  return `\`${name}\`${isRequired ? "" : ", optional"}: ${renderType(schema)}${description}`;
}

function renderType(schema: Schema): string {
  if (schema.const !== undefined || schema.enum !== undefined) return valuesOf(schema).join(" or ");
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) return options.map(renderType).join(" or ");
  if (Array.isArray(schema.type)) return schema.type.join(" or ");
  if (schema.type === "array") return renderList(schema);
  if (schema.type === "object") {
    const names = Object.keys(schema.properties ?? {});
    return names.length === 0 ? "object" : `object of ${names.map((name) => `\`${name}\``).join(", ")}`;
  }
  if (schema.type === "string" && schema.maxLength !== undefined) {
    const least = schema.minLength === undefined ? "at most" : `${schema.minLength} to`;
    return `string of ${least} ${schema.maxLength.toLocaleString("en")} characters`;
  }
  return schema.type ?? "any value";
}

function renderList({ items = {}, maxItems }: Schema): string {
  const each = objectsOf(items).length > 1 ? "frames" : renderType(items).replace(/^(string|integer|number|object)/, "$1s");
  return `list of ${maxItems === undefined ? "" : `at most ${maxItems} `}${each}`;
}

function valuesOf(schema: Schema): string[] {
  return (schema.enum ?? [schema.const]).map((value) => `\`${String(value)}\``);
}
