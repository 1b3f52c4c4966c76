/** Where all files of a user's conversations are in R2, and those of one: they go with it. */
export const filesOfUser = (userId: number): string => `conversations/${userId}/`;
export const filesOf = (userId: number, conversationId: number): string => `${filesOfUser(userId)}${conversationId}/`;
