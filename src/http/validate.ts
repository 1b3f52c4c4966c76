import type * as z from "zod";
import type { ValidationIssue } from "../kit/errors.ts";
import { textFaults } from "../kit/db/text.ts";
import { validationMessage } from "./validation-messages.ts";

/**
 * Parses one part of a request.
 * @param faults gets the faults of this part
 * @returns the output of the schema; undefined without a schema, or if the part has faults
 */
export function validate(
  schema: z.ZodType | undefined,
  value: unknown,
  where: ValidationIssue["in"],
  faults: ValidationIssue[],
): unknown {
  if (schema === undefined) return undefined;
  const unstorable = textFaults(value, where);
  if (unstorable.length > 0) {
    faults.push(...unstorable);
    return undefined;
  }
  const result = schema.safeParse(value, { error: validationMessage });
  if (result.success) return result.data;
  for (const { path, message } of result.error.issues) faults.push({ path: path.join("."), in: where, message });
  return undefined;
}
