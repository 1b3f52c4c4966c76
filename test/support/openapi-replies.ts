import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { document, type Operation } from "./openapi-operations.ts";

/** Compares replies with the OpenAPI document. */

export const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addSchema(document, "openapi");

/** The statuses of replies without a body. */
const bodiless = new Set([101, 204, 304]);

const validators = new Map<string, ValidateFunction>();

/** Compiles a schema once: most replies are problems, and share theirs. */
function validatorOf(schema: string): ValidateFunction {
  const validate = validators.get(schema) ?? ajv.compile(JSON.parse(schema));
  validators.set(schema, validate);
  return validate;
}

/** The faults of a reply against the schema that the document gives for its status; empty if there are none. */
export function replyFaults(operation: Operation, status: number, contentType: string | null, text: string): unknown {
  const documented = operation.responses[String(status)];
  if (bodiless.has(status) && documented !== undefined) return [];
  const content = documented?.content;
  if (content === undefined) return `status ${status} is not documented: ${text}`;
  const type = contentType?.split(";")[0] ?? "";
  const schema = content[type]?.schema;
  if (schema === undefined) return `${type} is not documented`;
  if (!type.endsWith("json")) return [];
  const validate = validatorOf(JSON.stringify(schema).replaceAll('"#/', '"openapi#/'));
  return validate(JSON.parse(text)) ? [] : validate.errors;
}
