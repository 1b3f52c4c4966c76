/** The closed sets and limits of chat. The database checks the sets, the schemas validate them. */

export const messageRoles = ["user", "assistant"] as const;
export type MessageRole = (typeof messageRoles)[number];

/** How far a message is: `interrupted` is an answer whose room crashed, or whose model fell silent, in the midst of it. */
export const messageStatuses = ["complete", "streaming", "stopped", "interrupted", "failed"] as const;
export type MessageStatus = (typeof messageStatuses)[number];

/** How a message can be that changes no more. */
export const settledStatuses = ["complete", "stopped", "interrupted", "failed"] as const satisfies readonly MessageStatus[];

/** `direct` is the one that a program goes on with which names none: a minion has one of those. */
export const conversationKinds = ["chat", "direct"] as const;

/** How many conversations a user may have. */
export const maxConversations = 2_000;

/**
 * What the model was told of what was said before: all of it, a summary in place of the oldest messages, or no more than the latest,
 * where not even a summary could be had.
 */
export const memoryStatuses = ["full", "summarised", "truncated"] as const;
export type MemoryStatus = (typeof memoryStatuses)[number];

/** Media types of pictures that can be attached. */
export const imageTypes = ["image/png", "image/jpeg", "image/webp", "image/gif"] as const;
export type ImageType = (typeof imageTypes)[number];

export const ratings = ["up", "down"] as const;
export type Rating = (typeof ratings)[number];

/** What a user can confirm of an answer, once: that a task is done by it, or an error resolved. */
export const confirmations = ["task", "error"] as const;
export type Confirmation = (typeof confirmations)[number];

/** Characters of a message, of a title, and of a fact that is pinned; and how many facts are. */
export const maxMessageLength = 16_000;
export const maxTitleLength = 120;
export const maxFactLength = 500;
export const maxFacts = 20;

/** How many files a conversation has: those that were attached and never sent among them. */
export const maxFiles = 200;

/** How often the model is asked in one turn, and how many tools run at once: an object has six connections. */
export const maxSteps = 8;
export const toolsAtOnce = 5;

/** Calls of tools that are heeded in one step. */
export const callsAtStep = 20;

/** Characters of what a tool is given, as JSON. */
export const maxToolInput = 64_000;

/** Characters of what a tool says that a model is handed, and that is kept. */
export const maxToolResult = 16_000;

/** Characters of one answer, thoughts included. */
export const maxAnswerLength = 200_000;

/** How many messages a conversation can have: the room for them in the numbers of its messages. */
export const messagesPerConversation = 2 ** 20;

/** The number of a conversation's `place`th message, from 1: unique among all messages, in their order, and below 2^53. */
export const messageIdOf = (conversationId: number, place: number): number => conversationId * messagesPerConversation + place;

/** The conversation that a message was written in; a fork shows messages of the one that it came from. */
export const conversationOf = (messageId: number): number => Math.floor(messageId / messagesPerConversation);
