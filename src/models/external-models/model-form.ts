import type * as z from "zod";
import { validationError } from "../../kit/errors.ts";
import { JsonError, parseJson } from "../../kit/json.ts";
import { NewModel } from "../schemas.ts";

/**
 * The JSON body of a form of the previous server's client: fields as text, or all of them as JSON in `modelData`. A field outside of it wins.
 * @throws validation_failed for invalid JSON
 */
export function modelFromForm({ modelData, ...fields }: Readonly<Record<string, string>>): Record<string, unknown> {
  const data = modelData === undefined ? {} : jsonIn("modelData", modelData);
  if (typeof data !== "object" || data === null || Array.isArray(data)) throw fault("modelData", "must be a JSON object");
  const values = Object.entries({ ...data, ...fields }).map(([name, value]) => [
    name,
    typeof value === "string" ? valueOf(name, value) : value,
  ]);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

/** The value of a field. An empty number, boolean or list is absent. */
function valueOf(name: string, text: string): unknown {
  const schema = (NewModel.shape as Readonly<Record<string, z.ZodType>>)[name];
  if (["capabilities", "parameters", "tags"].includes(name) && /^\s*[[{]/.test(text)) return jsonIn(name, text);
  if (name === "tags")
    return text
      .split(",")
      .map((tag) => tag.trim())
      .filter(Boolean);
  if (schema === undefined || schema.safeParse(text).success) return text;
  return text.trim() === "" ? undefined : scalarIn(text);
}

/** The number or the boolean in a text; the text itself otherwise. */
function scalarIn(text: string): unknown {
  if (/^\s*(?:true|false|null)\s*$/.test(text)) return JSON.parse(text) as unknown;
  const number = Number(text);
  return Number.isFinite(number) ? number : text;
}

function jsonIn(path: string, text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw fault(path, `must be JSON: it ${error.message}`);
  }
}

const fault = (path: string, message: string) => validationError([{ path, in: "body", message }]);
