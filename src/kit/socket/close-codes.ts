/** Why a room closes a socket. After `reconnect` and `slow` a client comes back with a new ticket and `after`; after the others it stays away. */
export const closeCodes = { flood: 1008, reconnect: 4001, revoked: 4003, erased: 4004, slow: 4008 } as const;
