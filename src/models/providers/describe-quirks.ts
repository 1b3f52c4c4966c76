import type { Quirks } from "../constants.ts";

/** Describes what was found about a server, a sentence each. */
export function describeQuirks(quirks: Quirks): string[] {
  const { max_tokens_name, system_role, stream, string_content, reasoning_content, ...others } = quirks;
  const { max_embedding_batch, path_prefix, context_length, ...parameters } = others;
  return [
    ...Object.entries(parameters).flatMap(([name, isSent]) =>
      isSent ? [] : `The server refuses \`${name}\`: it is not sent.`,
    ),
    max_tokens_name === "none" && "The server takes no `max_tokens`: answers have no limit.",
    max_tokens_name === "max_completion_tokens" && "The server wants `max_completion_tokens` instead of `max_tokens`.",
    system_role === false && "The server refuses system messages: their text is sent with the first message.",
    stream === false && "The server does not stream: answers arrive whole.",
    string_content === true && "The server takes only strings as the content of messages.",
    reasoning_content === true && "The server requires its reasoning back with tool calls.",
    max_embedding_batch !== undefined && `The server embeds at most ${max_embedding_batch} texts per request.`,
    path_prefix !== undefined && `The base URL lacks \`${path_prefix}\`: it is added.`,
    context_length !== undefined && `The context window has ${context_length} tokens.`,
  ].filter((sentence) => sentence !== false);
}
