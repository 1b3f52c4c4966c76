import { afterAll, beforeAll, beforeEach } from "vitest";
import { chatJobs } from "../../../src/chat/jobs.ts";
import { blank } from "../../../src/agent/message/apply-frame.ts";
import { messageIdOf } from "../../../src/chat/constants.ts";
import type { Message } from "../../../src/agent/types.ts";
import type { ProjectedTurn } from "../../../src/chat/sync/write-to-postgres.ts";
import type { TurnCall, TurnResult } from "../../../src/agent/events.ts";
import type { Ctx } from "../../../src/context.ts";
import { consumeJobs } from "../../../src/kit/queue/consumer.ts";
import { insertMinion } from "../../minions/support/minions.ts";
import { openTestDatabase, startStoppableBridge, type TestDatabase } from "../../support/api.ts";
import { openEvents, testBindings } from "../../support/in-process-context.ts";
import { MemoryBucket } from "../../support/memory-bucket.ts";
import { makePerson } from "../../support/users.ts";
import { VirtualQueue } from "../../support/virtual-queue.ts";

/** Where what rooms write is tested without one: a Postgres for all tests of a file, and for each a person with a minion, a queue and a store. */
export class Desk {
  database!: TestDatabase;
  bridge!: Awaited<ReturnType<typeof startStoppableBridge>>;
  events!: ReturnType<typeof openEvents>;
  queue!: VirtualQueue;
  bucket!: MemoryBucket;
  ctx!: Ctx;
  userId!: number;
  minionId!: number;
  /** What stands for the rooms, by their names. */
  rooms: Record<string, unknown> = {};

  async begin(): Promise<void> {
    this.queue = new VirtualQueue("spiritforge-jobs");
    this.bucket = new MemoryBucket();
    this.rooms = {};
    const USER_HUB = { getByName: () => ({ tell: async () => undefined }) };
    const CHAT_ROOM = { getByName: (name: string) => this.rooms[name] };
    const bindings = { JOBS: this.queue, FILES: this.bucket, USER_HUB, CHAT_ROOM };
    this.events = openEvents(testBindings(this.bridge.url, bindings));
    this.ctx = this.events.context("test");
    this.userId = (await makePerson(this)).id;
    this.minionId = await insertMinion(this.database, this.userId);
  }

  /** Delivers the jobs that are due in so many seconds. */
  async work(seconds = 0): Promise<void> {
    await this.events.settled();
    const consumer = {
      handlers: chatJobs,
      contextOf: (name: string, requestId: string) => this.events.context(name, requestId),
      dead: { send: async () => undefined },
    };
    await this.queue.run((batch) => consumeJobs<Ctx>(batch, consumer), { until: this.queue.now + seconds });
    await this.events.settled();
  }

  /** What work in this process cost in round trips. */
  async tripsOf<T>(work: () => Promise<T>): Promise<{ value: T; trips: number }> {
    await this.events.settled();
    const before = this.bridge.roundTrips();
    const value = await work();
    return { value, trips: this.bridge.roundTrips() - before };
  }

  /** Inserts a conversation, beside the rules. */
  async conversation(columns: object = {}): Promise<number> {
    const row = { user_id: this.userId, minion_id: this.minionId, ...columns };
    const places = Object.keys(row).map((_, index) => `$${index + 1}`);
    const [made] = await this.database.sql(
      `insert into conversations (${Object.keys(row).join(", ")}) values (${places.join(", ")}) returning id`,
      Object.values(row),
    );
    return Number(made!["id"]);
  }

  /** A turn that is over, as a room tells it: the `turn`th of its conversation, from 1. */
  turn(
    conversationId: number,
    given: Partial<TurnResult> & { turn?: number; says?: string; answers?: string } = {},
  ): ProjectedTurn {
    const { turn = 1, says = "How do eagles fly?", answers = "They soar.", ...result } = given;
    const place = 2 * turn - 1;
    const statuses = { complete: "complete", stopped: "stopped", failed: "failed" } as const;
    const status = statuses[result.outcome ?? "complete"];
    return {
      conversation_id: conversationId,
      user_id: this.userId,
      minion_id: this.minionId,
      title: "Eagles",
      message_count: 2 * turn,
      messages: [
        messageOf(conversationId, place, { role: "user", text: says }),
        messageOf(conversationId, place + 1, { role: "assistant", text: answers, status }),
      ],
      result: {
        outcome: "complete",
        failure: null,
        memory_status: "full",
        model: "groq/llama",
        calls: [callOf()],
        tool_runs: [],
        has_retrieved: false,
        ...result,
      },
    };
  }

  /** The only row of a query. */
  async one(text: string, values: unknown[] = []): Promise<Record<string, unknown>> {
    const rows = await this.database.sql(text, values);
    if (rows.length !== 1) throw new Error(`${rows.length} rows of: ${text}`);
    return rows[0]!;
  }
}

/** A desk for all the tests of a file. */
export function useDesk(): Desk {
  const desk = new Desk();
  beforeAll(async () => {
    desk.database = await openTestDatabase();
    desk.bridge = await startStoppableBridge(desk.database);
  });
  beforeEach(() => desk.begin());
  afterAll(async () => {
    await desk.bridge.stopPostgres();
    await desk.database.close();
  });
  return desk;
}

/** The `place`th message of a conversation. */
export function messageOf(conversationId: number, place: number, given: Partial<Message> = {}): Message {
  const text = given.text ?? "";
  const at = (seconds: number) => new Date(Date.UTC(2026, 10, 25, 9, place, seconds)).toISOString();
  return {
    ...blank(messageIdOf(conversationId, place), conversationId),
    role: "assistant",
    text,
    parts: [{ type: "text", text }],
    created_at: at(0),
    completed_at: at(30),
    ...given,
  };
}

/** A call that a turn made, of a model with a price. */
export function callOf(given: Partial<Omit<TurnCall, "record">> & { record?: Partial<TurnCall["record"]> } = {}): TurnCall {
  const { record, ...rest } = given;
  return {
    external_model_id: null,
    key_ref: null,
    is_key_rejected: false,
    ...rest,
    record: {
      provider: "groq",
      model_id: "llama",
      outcome: "complete",
      error_code: null,
      input_tokens: 100,
      output_tokens: 20,
      cache_read_tokens: 0,
      cache_write_tokens: 0,
      is_estimated: false,
      latency_ms: 300,
      first_token_ms: 90,
      attempts: [],
      ...record,
    },
  };
}
