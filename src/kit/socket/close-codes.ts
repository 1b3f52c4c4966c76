/** Close codes of a room. After `reconnect` and `slow` a client reconnects with a new ticket and `after`; after the others it does not. */
export const closeCodes = { flood: 1008, reconnect: 4001, revoked: 4003, erased: 4004, slow: 4008 } as const;
