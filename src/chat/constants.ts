/** Constants and limits of conversations. The schemas validate the enums, and the database checks them. */

/** `direct` is the default conversation of a minion for API calls that do not name one. A minion has at most one. */
export const conversationKinds = ["chat", "direct"] as const;

/** Maximum conversations of a user. Temporary ones are counted by themselves. */
export const maxConversations = 2_000;
export const maxTemporaryConversations = 100;

/** Hours after its last activity in which a temporary conversation is deleted. */
export const temporaryHours = 24;

export const ratings = ["up", "down"] as const;

/** What a user can confirm about an answer, once: it completed a task, or it fixed an error. */
export const confirmations = ["task", "error"] as const;
export type Confirmation = (typeof confirmations)[number];

/** Maximum characters of a message, a title, and a pinned fact, and the maximum number of pinned facts. */
export const maxMessageLength = 16_000;
export const maxTitleLength = 120;
export const maxFactLength = 500;
export const maxFacts = 20;

/** Maximum files of a conversation, including files that were attached but not sent. */
export const maxFiles = 200;

/** The size of the ID range of one conversation, which limits its number of messages. */
export const maxMessageOrdinal = 2 ** 20;

/** The ID of the message with this ordinal (from 1) in a conversation. IDs are unique, ordered, and below 2^53. */
export const toMessageId = (conversationId: number, ordinal: number): number => conversationId * maxMessageOrdinal + ordinal;

/** The conversation in which a message was written. A fork also shows messages of its origin. */
export const conversationOf = (messageId: number): number => Math.floor(messageId / maxMessageOrdinal);
