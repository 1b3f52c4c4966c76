/** Constants and limits of messages and turns. */

export const messageRoles = ["user", "assistant"] as const;
export type MessageRole = (typeof messageRoles)[number];

/** The states of a message. An answer is `interrupted` if its room crashed or its model stopped sending text. */
export const messageStatuses = ["complete", "streaming", "stopped", "interrupted", "failed"] as const;
export type MessageStatus = (typeof messageStatuses)[number];

/** The states of a message that no longer changes. */
export const finalStatuses = ["complete", "stopped", "interrupted", "failed"] as const satisfies readonly MessageStatus[];

/** How a complete answer ended: by itself, or at the limit of its tokens or characters. */
export const finishReasons = ["stop", "length"] as const;
export type FinishReason = (typeof finishReasons)[number];

/**
 * How much of the earlier conversation the model received: all messages, a summary of the oldest and the latest messages, or only the
 * latest messages because the summary failed.
 */
export const memoryStatuses = ["full", "summarised", "truncated"] as const;
export type MemoryStatus = (typeof memoryStatuses)[number];

/** Media types of images that can be attached. */
export const imageTypes = ["image/png", "image/jpeg", "image/webp", "image/gif"] as const;
export type ImageType = (typeof imageTypes)[number];

/** Model calls with tools in one turn, and tools that run at once: a Durable Object has six connections. */
export const maxSteps = 8;
export const toolConcurrency = 5;

/** Tool calls that run in one step; later ones are dropped. */
export const maxToolCallsPerStep = 20;

/** Characters of a tool's input, as JSON. */
export const maxToolInput = 64_000;

/** Characters of a tool's result that are stored and sent to the model. */
export const maxToolResult = 16_000;

/** Characters of one answer, including its reasoning. */
export const maxAnswerLength = 200_000;
