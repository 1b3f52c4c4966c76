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
  faults.push(...unstorable);
  const invalidPaths = new Set(unstorable.map(({ path }) => path));
  const result = schema.safeParse(value, { error: validationMessage });
  if (result.success) return invalidPaths.size === 0 ? result.data : undefined;
  for (const issue of result.error.issues) {
    const keys = issue.code === "unrecognized_keys" ? issue.keys.map((key) => [key]) : [[]];
    for (const key of keys) {
      const path = [...issue.path, ...key].join(".");
      if (!invalidPaths.has(path)) faults.push({ path, in: where, message: issue.message });
    }
  }
  return undefined;
}
