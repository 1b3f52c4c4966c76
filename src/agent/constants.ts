/** The closed sets and limits of messages and of turns. */

export const messageRoles = ["user", "assistant"] as const;
export type MessageRole = (typeof messageRoles)[number];

/** How far a message is: `interrupted` is an answer whose room crashed, or whose model fell silent, in the midst of it. */
export const messageStatuses = ["complete", "streaming", "stopped", "interrupted", "failed"] as const;
export type MessageStatus = (typeof messageStatuses)[number];

/** How a message can be that changes no more. */
export const finalStatuses = ["complete", "stopped", "interrupted", "failed"] as const satisfies readonly MessageStatus[];

/**
 * What the model was told of what was said before: all of it, a summary in place of the oldest messages, or no more than the latest,
 * where not even a summary could be had.
 */
export const memoryStatuses = ["full", "summarised", "truncated"] as const;
export type MemoryStatus = (typeof memoryStatuses)[number];

/** Media types of pictures that can be attached. */
export const imageTypes = ["image/png", "image/jpeg", "image/webp", "image/gif"] as const;
export type ImageType = (typeof imageTypes)[number];

/** How often the model is asked in one turn, and how many tools run at once: an object has six connections. */
export const maxSteps = 8;
export const toolConcurrency = 5;

/** Calls of tools that are heeded in one step. */
export const maxToolCallsPerStep = 20;

/** Characters of what a tool is given, as JSON. */
export const maxToolInput = 64_000;

/** Characters of what a tool says that a model is handed, and that is kept. */
export const maxToolResult = 16_000;

/** Characters of one answer, thoughts included. */
export const maxAnswerLength = 200_000;
