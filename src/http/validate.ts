import type * as z from "zod";
import type { ValidationIssue } from "../kit/errors.ts";
import { invalidTextPaths } from "../kit/db/text.ts";

/**
 * Parses one part of a request.
 * @param faults gets what is wrong with it
 * @returns what the schema makes of it; undefined without a schema, or where something is wrong
 */
export function validate(
  schema: z.ZodType | undefined,
  value: unknown,
  where: ValidationIssue["in"],
  faults: ValidationIssue[],
): unknown {
  if (schema === undefined) return undefined;
  const unheld = invalidTextPaths(value);
  if (unheld.length > 0) {
    for (const path of unheld) faults.push({ path, in: where, message: "has a character that no text may have" });
    return undefined;
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const { path, message } of result.error.issues) faults.push({ path: path.join("."), in: where, message });
  return undefined;
}
