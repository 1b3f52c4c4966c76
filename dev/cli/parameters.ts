import * as z from "zod";

/**
 * A parameter as its client has it: a number or a boolean, although the server reads it from text. Its bounds are those of the value that the
 * text becomes.
 */
function typedParameter(schema: z.core.$ZodType): z.ZodType {
  const described = (typed: z.ZodType) => {
    const meta = (schema as z.ZodType).meta();
    return meta === undefined ? typed : typed.meta(meta);
  };
  if (schema instanceof z.ZodOptional) return described(typedParameter(schema.unwrap()).optional());
  if (schema instanceof z.ZodDefault) return described(typedParameter(schema.unwrap()).default(schema.def.defaultValue));
  if (!(schema instanceof z.ZodPipe)) return schema as z.ZodType;
  const { out } = schema;
  if (out instanceof z.ZodNumber || out instanceof z.ZodBoolean) return described(out);
  // A text that is only converted, such as `after`.
  return isNumeric(schema) ? described(z.int().min(0)) : schema;
}

/** Whether a schema converts digits to a number. */
function isNumeric({ in: text, out }: z.ZodPipe): boolean {
  return (
    out instanceof z.ZodTransform &&
    text instanceof z.ZodString &&
    z.safeParse(text, "7").success &&
    !z.safeParse(text, "x").success
  );
}

/** The parameters of a path or a query, with the types that clients have. */
export function typedParameters(parameters: z.ZodObject): z.ZodObject {
  return z.object(Object.fromEntries(Object.entries(parameters.shape).map(([name, schema]) => [name, typedParameter(schema)])));
}
