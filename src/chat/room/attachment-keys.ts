/** The R2 key prefixes of the files of all conversations of a user, and of one conversation. */
export const filesOfUser = (userId: number): string => `conversations/${userId}/`;
export const filesOf = (userId: number, conversationId: number): string => `${filesOfUser(userId)}${conversationId}/`;
