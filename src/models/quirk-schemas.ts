import * as z from "zod";

const isSent = (name: string) => z.boolean().meta({ description: `Whether \`${name}\` is sent` });

/** How a server differs from OpenAI's protocol. */
const quirkShape = {
  stream_options: isSent("stream_options"),
  temperature: isSent("temperature"),
  top_p: isSent("top_p"),
  tool_choice: isSent("tool_choice"),
  tools: isSent("tools"),
  encoding_format: isSent("encoding_format"),
  max_tokens_name: z.enum(["max_tokens", "max_completion_tokens", "none"]).meta({
    description: "The name of the limit of an answer. `none`: no limit is sent.",
  }),
  system_role: z.boolean().meta({
    description: "Whether system messages are sent. False: their text is sent with the first message of the user.",
  }),
  stream: z.boolean().meta({ description: "Whether answers are streamed. False: they are requested whole." }),
  string_content: z.boolean().meta({ description: "Whether texts in parts are sent as one string" }),
  reasoning_content: z.boolean().meta({ description: "Whether reasoning is sent back with the tool calls that followed it" }),
  max_embedding_batch: z.int().min(1).max(10_000).meta({ description: "The maximum number of texts per request" }),
  path_prefix: z
    .string()
    .regex(/^\/[\w./-]{1,100}$/, "must be a path, such as `/v1`")
    .meta({ description: "The part of the address that the base URL lacks" }),
  context_length: z.int().min(1).max(2_147_483_647).meta({
    description: "The context window that the server named when it refused a request, in tokens",
  }),
};

export const Quirks = z.strictObject(quirkShape).partial().meta({ id: "Quirks" });

/** A change of quirks. */
export const QuirksChange = z
  .strictObject(
    Object.fromEntries(Object.entries(quirkShape).map(([name, shape]) => [name, shape.nullable()])) as {
      [Name in keyof typeof quirkShape]: z.ZodNullable<(typeof quirkShape)[Name]>;
    },
  )
  .partial()
  .meta({
    description:
      "How the server differs from OpenAI's protocol. What is missing is found when the server refuses a request. A value that you set is kept; null forgets it.",
  });
