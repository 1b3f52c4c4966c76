/** A minion and its owner. */
export type MemoryOwner = { userId: number; minionId: number };

/** A fact as a turn reads it: plain data that a room can cache. `created_at` is ISO 8601. */
export type RememberedFact = { id: number; text: string; created_at: string };

/** What a turn knows of a memory: plain data that a room can cache. */
export type TurnMemory = {
  enabled: boolean;
  /** Changes with every change of the facts. */
  revision: string;
  /** All facts, oldest first. */
  facts: readonly RememberedFact[];
};
