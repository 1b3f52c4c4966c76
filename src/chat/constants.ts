/** The closed sets and limits of conversations. The database checks the sets, the schemas validate them. */

/** `direct` is the one that a program goes on with which names none: a minion has one of those. */
export const conversationKinds = ["chat", "direct"] as const;

/** How many conversations a user may have. */
export const maxConversations = 2_000;

export const ratings = ["up", "down"] as const;

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

/** How many messages a conversation can have: the room for them in the numbers of its messages. */
export const maxMessageOrdinal = 2 ** 20;

/** The number of a conversation's `place`th message, from 1: unique among all messages, in their order, and below 2^53. */
export const toMessageId = (conversationId: number, place: number): number => conversationId * maxMessageOrdinal + place;

/** The conversation that a message was written in; a fork shows messages of the one that it came from. */
export const conversationOf = (messageId: number): number => Math.floor(messageId / maxMessageOrdinal);
