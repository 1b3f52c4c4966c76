import { beforeEach } from "vitest";
import type { MemoryOwner } from "../../../src/memory/types.ts";
import { addFact, listFacts } from "../../../src/memory/service.ts";
import { insertMinion } from "../../minions/support/minions.ts";
import { useServiceHarness, type ServiceHarness } from "../../support/service-harness.ts";

/** A service harness with a minion of its user, whose hub and rooms are fakes. */
export type MemoryHarness = ServiceHarness & {
  owner: MemoryOwner;
  /** What the user's hub received: frames, and `settings`. */
  sent: unknown[];
  /** Where a room finds any message, by the name of the room. A room that is not here finds none. */
  rooms: Record<string, object>;
};

const notFound = { code: "not_found", status: 404, title: "", retryable: false };

export function useMemoryHarness(): MemoryHarness {
  const hub = {
    push: async (frame: object) => void harness.sent.push(frame),
    invalidateSettings: async () => void harness.sent.push("settings"),
  };
  const findIn = (room: object | undefined) =>
    room === undefined ? { refusal: { errorType: notFound, detail: "" } } : { value: room };
  const service = useServiceHarness({
    bindings: () => ({
      USER_HUB: { getByName: () => hub },
      CHAT_ROOM: { getByName: (name: string) => ({ find: async () => findIn(harness.rooms[name]) }) },
    }),
  });
  const harness: MemoryHarness = Object.assign(service, { owner: { userId: 0, minionId: 0 }, sent: [], rooms: {} });
  beforeEach(async () => {
    harness.sent = [];
    harness.rooms = {};
    harness.owner = { userId: harness.userId, minionId: await insertMinion(harness.database, harness.userId) };
  });
  return harness;
}

/** Stores a fact of the owner. */
export const add = ({ ctx, owner }: MemoryHarness, text: string, message_id?: number) =>
  addFact(ctx, owner, { text, ...(message_id === undefined ? {} : { message_id }) });

/** A page of facts. */
export const list = ({ ctx, owner }: MemoryHarness, query: object = {}) => listFacts(ctx, owner, { limit: 20, ...query });

/** The texts of a page. */
export const textsOf = async (harness: MemoryHarness, query: object = {}) =>
  (await list(harness, query)).facts.map(({ text }) => text);
