import { and, eq, gte, isNull, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { commit, assertAllInTransaction, type Statement } from "../../kit/db/commit.ts";
import { constraintOf } from "../../kit/db/errors.ts";
import { toPostgresJson, toPostgresText } from "../../kit/db/text.ts";
import { lockOwnerAndMinion } from "../../minions/queries.ts";
import { experienceRows, toolRunRows } from "../../minions/progression/experience.ts";
import { spiritGains } from "../../minions/progression/mastery.ts";
import { usageExperience } from "../../minions/progression/rules.ts";
import { markKeyStatus } from "../../models/external-models/key-status.ts";
import { usageRow } from "../../models/usage/record.ts";
import { finalStatuses } from "../../agent/constants.ts";
import { conversationOf, maxTitleLength, type Confirmation } from "../constants.ts";
import type { Message } from "../../agent/types.ts";
import { turnExperience } from "../../agent/rules.ts";
import { conversations, messages } from "../tables.ts";
import type { TurnCall, TurnResult } from "../../agent/events.ts";

/**
 * What rooms write into Postgres, from their outboxes: in the order in which it happened, and again until it is known to be done.
 * `gone` means that nobody will ask for it any more: the conversation is deleted.
 */
export type WriteOutcome = "done" | "gone";

/** Whose conversation it is. */
export type ConversationOwner = { conversation_id: number; user_id: number; minion_id: number };

/** A turn that is over. */
export type TurnWrite = ConversationOwner & {
  /** What was made of the first turn; empty for none. A title that its owner gave stays. */
  title: string;
  /** How many messages the conversation shows now. */
  message_count: number;
  messages: readonly [question: Message, answer: Message];
  result: TurnResult;
};

/** A message that was rated or confirmed after its turn. */
export type MessageUpdate = ConversationOwner & { message: Message };

/** Messages that are shown no more: this one and all after it. */
export type MessageRemoval = ConversationOwner & { from_message_id: number; message_count: number };

/**
 * Writes a turn: its messages, what it used and cost, what became of the keys, and what its minion gained. Once, however often it is
 * told: the answer's row is what tells that it is written. One round trip.
 */
export function projectTurn(ctx: Ctx, turn: TurnWrite): Promise<WriteOutcome> {
  const [question, answer] = turn.messages;
  const spiritIds = [...new Set(turn.result.tool_runs.map(({ spirit_id }) => spirit_id))];
  return settled(async () => {
    await commit(ctx, [
      ...lockOwnerAndMinion(ctx, turn.user_id, turn.minion_id),
      ctx.db.insert(messages).values({ ...rowOf(turn, answer), spirit_ids: spiritIds }),
      ...(isOwn(turn, question) ? [ctx.db.insert(messages).values(rowOf(turn, question)).onConflictDoNothing()] : []),
      conversationRow(ctx, turn, answer),
      ...turn.result.calls.flatMap((call) => callRows(ctx, turn, call)),
      ...gainRows(ctx, turn, answer.id),
    ]);
  });
}

/**
 * Writes what became of a message: how it is rated, and what was confirmed of it, which is worth experience once. What a fork has of
 * another conversation is a message of that one, and stays as it is there. One round trip.
 * @throws an error while the message's turn is not written
 */
export function projectChange(ctx: Ctx, { message, ...of }: MessageUpdate): Promise<WriteOutcome> {
  const its = eq(messages.id, message.id);
  const change = ctx.db
    .update(messages)
    .set(rowOf(of, message))
    .where(and(its, isNull(messages.removed_at)));
  return settled(async () => {
    await commit(ctx, [
      ...lockOwnerAndMinion(ctx, of.user_id, of.minion_id),
      assertAllInTransaction(ctx.db, {
        conversation_gone: isThere(of),
        ...(isOwn(of, message) ? { message_not_written: sql`exists (select from ${messages} where ${its})` } : {}),
      }),
      ...(isOwn(of, message) ? [change] : []),
      ...(message.confirmed === null ? [] : confirmationRows(ctx, of, message.id, message.confirmed)),
    ]);
  });
}

/** Empties messages that are shown no more. Their rows stay, so that nothing writes them again. One round trip. */
export function projectRemoval(ctx: Ctx, { from_message_id, message_count, ...of }: MessageRemoval): Promise<WriteOutcome> {
  const theirs = and(eq(messages.user_id, of.user_id), eq(messages.conversation_id, of.conversation_id));
  return settled(async () => {
    await commit(ctx, [
      assertAllInTransaction(ctx.db, { conversation_gone: isThere(of) }),
      ctx.db
        .update(messages)
        .set({ text: "", body: null, removed_at: sql`now()` })
        .where(and(theirs, gte(messages.id, from_message_id), isNull(messages.removed_at))),
      ctx.db.update(conversations).set({ message_count }).where(itself(of)),
    ]);
  });
}

/** What is told twice was done at first, and what is told of a conversation that is deleted is not done. */
async function settled(write: () => Promise<void>): Promise<WriteOutcome> {
  try {
    await write();
    return "done";
  } catch (error) {
    const constraint = constraintOf(error);
    if (constraint === "messages_pkey") return "done";
    if (constraint === "message_of_conversation" || constraint === "conversation_gone") return "gone";
    throw error;
  }
}

/** Whether a message was written here, not in the conversation that this one was forked from. */
const isOwn = ({ conversation_id }: ConversationOwner, { id }: Message): boolean => conversationOf(id) === conversation_id;

const itself = ({ user_id, conversation_id }: ConversationOwner): SQL =>
  and(eq(conversations.user_id, user_id), eq(conversations.id, conversation_id))!;

const isThere = (of: ConversationOwner): SQL => sql`exists (select from ${conversations} where ${itself(of)})`;

/** What models and tools say may have characters that Postgres cannot hold. @throws RangeError for a message that streams */
function rowOf({ conversation_id, user_id }: ConversationOwner, message: Message) {
  const { id, role, text, status, created_at, completed_at, conversation_id: _shown, ...body } = toPostgresJson(message);
  const known = finalStatuses.find((each) => each === status);
  if (known === undefined) throw new RangeError(`A message is not written while it is ${status}.`);
  const moments = { created_at: new Date(created_at), completed_at: completed_at === null ? null : new Date(completed_at) };
  return { id, conversation_id, user_id, role, text, status: known, body, ...moments };
}

function conversationRow(ctx: Ctx, turn: TurnWrite, { created_at, completed_at }: Message): Statement {
  const title = toPostgresText(turn.title).slice(0, maxTitleLength).toWellFormed();
  const { last_message_at, is_title_own } = conversations;
  const at = new Date(completed_at ?? created_at).toISOString();
  return ctx.db
    .update(conversations)
    .set({
      message_count: turn.message_count,
      last_message_at: sql`greatest(${last_message_at}, ${at}::timestamptz)`,
      ...(title === "" ? {} : { title: sql`case when ${is_title_own} then ${conversations.title} else ${title} end` }),
    })
    .where(itself(turn));
}

/** What a call used, and whether its key was taken: a call that failed for another reason says nothing of the key. */
function callRows(ctx: Ctx, { user_id, minion_id }: ConversationOwner, call: TurnCall): Statement[] {
  const { record, external_model_id, key_ref, is_key_rejected } = call;
  const of = { userId: user_id, purpose: "chat" as const, minionId: minion_id, externalModelId: external_model_id };
  const isTold = external_model_id !== null && (is_key_rejected || record.outcome === "complete");
  return [
    usageRow(ctx, record, of),
    ...(isTold ? markKeyStatus(ctx, user_id, { id: external_model_id, key_ref }, is_key_rejected) : []),
  ];
}

function gainRows(ctx: Ctx, { minion_id, result }: TurnWrite, answerId: number): Statement[] {
  const gained = turnExperience(result);
  const grant = (amount: number, reason: string, type: string): Statement[] => {
    const source = { type, id: String(answerId) };
    return amount === 0 ? [] : experienceRows(ctx, { minionId: minion_id, kind: "usage", amount, reason, source });
  };
  const runs = result.tool_runs.flatMap(({ spirit_id, tool_id, run }) =>
    toolRunRows(ctx, { minionId: minion_id, spiritId: spirit_id, toolId: tool_id, run }),
  );
  return [
    ...grant(gained.turn, "A turn was completed", "message"),
    ...grant(gained.retrieval, "Knowledge was used", "retrieval"),
    ...runs,
  ];
}

/** What confirming is worth: a task to the minion and to each spirit that helped, an error that is resolved to those spirits alone. */
const confirmed = {
  task: { amount: usageExperience.confirmed_task, gain: spiritGains.confirmed_task, reason: "A task was confirmed" },
  error: { amount: 0, gain: spiritGains.resolved_error, reason: "An error was resolved" },
} as const satisfies Record<Confirmation, { amount: number; gain: number; reason: string }>;

function confirmationRows(ctx: Ctx, { minion_id }: ConversationOwner, messageId: number, kind: Confirmation): Statement[] {
  const { amount, gain, reason } = confirmed[kind];
  const spiritIds = sql`(select ${messages.spirit_ids} from ${messages} where ${eq(messages.id, messageId)})`;
  return experienceRows(ctx, {
    minionId: minion_id,
    kind: "usage",
    amount,
    reason,
    source: { type: "confirmation", id: String(messageId) },
    spirits: { spiritIds, gain },
  });
}
