import { and, eq, gte, isNull, lt, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../context.ts";
import { commit, assertAllInTransaction, type Statement } from "../../kit/db/commit.ts";
import { constraintOf } from "../../kit/db/errors.ts";
import { toPostgresJson, toPostgresText } from "../../kit/db/text.ts";
import { failedJobRow } from "../../kit/queue/failed-job.ts";
import { lockOwnerAndMinion } from "../../minions/queries.ts";
import { experienceRows, toolRunRows } from "../../minions/progression/experience.ts";
import { spiritGains } from "../../minions/progression/mastery.ts";
import { usageExperience } from "../../minions/progression/rules.ts";
import { markKeyStatus } from "../../models/external-models/key-status.ts";
import { usageRow } from "../../models/usage/record.ts";
import { finalStatuses } from "../../agent/constants.ts";
import { writeSetAsideEntry } from "../job-definitions.ts";
import { conversationOf, maxTitleLength, type Confirmation } from "../constants.ts";
import { messageTerms } from "../message-terms.ts";
import type { Message } from "../../agent/types.ts";
import { turnExperience } from "../../agent/rules.ts";
import { conversations, messages } from "../tables.ts";
import type { TurnCall, TurnResult } from "../../agent/events.ts";

/**
 * The outcome of a write from the outbox of a room. `gone` means that the conversation is deleted, so that the room can be erased.
 */
export type WriteOutcome = "done" | "gone";

/** A conversation, its owner and its minion. */
export type ConversationOwner = { conversation_id: number; user_id: number; minion_id: number };

/** A finished turn. */
export type TurnWrite = ConversationOwner & {
  /** The title generated from the first turn; empty for none. A title that the owner set stays. */
  title: string;
  /** The number of messages of the conversation. */
  message_count: number;
  messages: readonly [question: Message, answer: Message];
  result: TurnResult;
  /** Whether the conversation is temporary. The rows of its messages have no text. */
  temporary?: boolean | undefined;
  /** The messages that were removed before the turn is written. Their rows have no text. */
  removed_ids?: readonly number[];
};

/** A message that was rated or confirmed after its turn. */
export type MessageUpdate = ConversationOwner & { message: Message };

/** The removal of this message and all later ones. Messages from `until_message_id` were written after the removal, and stay. */
export type MessageRemoval = ConversationOwner & {
  from_message_id: number;
  message_count: number;
  until_message_id?: number | undefined;
};

/** An entry that was set aside. `at` is in milliseconds since the epoch. */
export type SetAsideReport = { conversation_id: number; user_id: number; entry_id: number; error: string; at: number };

/**
 * Writes a turn: its messages, usage, cost, API key status, and experience. Idempotent: the row of the answer marks the turn as written.
 * One round trip.
 */
export function projectTurn(ctx: Ctx, turn: TurnWrite): Promise<WriteOutcome> {
  const [question, answer] = turn.messages;
  const spiritIds = [...new Set(turn.result.tool_runs.map(({ spirit_id }) => spirit_id))];
  return toWriteOutcome(async () => {
    const answerRow = await rowOf(turn, answer);
    const questionRow = await rowOf(turn, question);
    await commit(ctx, [
      ...lockOwnerAndMinion(ctx, turn.user_id, turn.minion_id),
      ctx.db.insert(messages).values({ ...answerRow, ...removalOf(turn, answer), spirit_ids: spiritIds }),
      ...(isOwn(turn, question)
        ? [
            ctx.db
              .insert(messages)
              .values({ ...questionRow, ...removalOf(turn, question) })
              .onConflictDoNothing(),
          ]
        : []),
      conversationRow(ctx, turn, answer),
      ...turn.result.calls.flatMap((call) => callRows(ctx, turn, call)),
      ...gainRows(ctx, turn, answer.id),
    ]);
  });
}

/**
 * Writes the rating and the confirmation of a message. A confirmation grants experience once. A message that a fork inherited is not
 * changed in its origin. One round trip.
 * @throws an error if the turn of the message is not written yet
 */
export function projectChange(ctx: Ctx, { message, ...of }: MessageUpdate): Promise<WriteOutcome> {
  const isMessage = eq(messages.id, message.id);
  const touched = ctx.db.update(conversations).set(changedNow).where(ownConversation(of));
  return toWriteOutcome(async () => {
    const change = ctx.db
      .update(messages)
      .set(await rowOf(of, message))
      .where(and(isMessage, isNull(messages.removed_at)));
    await commit(ctx, [
      ...lockOwnerAndMinion(ctx, of.user_id, of.minion_id),
      assertAllInTransaction(ctx.db, {
        conversation_gone: conversationExists(of),
        ...(isOwn(of, message) ? { message_not_written: sql`exists (select from ${messages} where ${isMessage})` } : {}),
      }),
      ...(isOwn(of, message) ? [change] : []),
      touched,
      ...(message.confirmed === null ? [] : confirmationRows(ctx, of, message.id, message.confirmed)),
    ]);
  });
}

/** Clears removed messages. Their rows stay, so that a retry does not write them again. One round trip. */
export function projectRemoval(
  ctx: Ctx,
  { from_message_id, until_message_id, message_count, ...of }: MessageRemoval,
): Promise<WriteOutcome> {
  const isRemoved = and(
    gte(messages.id, from_message_id),
    until_message_id === undefined ? undefined : lt(messages.id, until_message_id),
  );
  const inConversation = and(eq(messages.user_id, of.user_id), eq(messages.conversation_id, of.conversation_id));
  return toWriteOutcome(async () => {
    await commit(ctx, [
      assertAllInTransaction(ctx.db, { conversation_gone: conversationExists(of) }),
      ctx.db
        .update(messages)
        .set(removal)
        .where(and(inConversation, isRemoved, isNull(messages.removed_at))),
      ctx.db
        .update(conversations)
        .set({ message_count, ...changedNow })
        .where(ownConversation(of)),
    ]);
  });
}

/** Shows an entry that was set aside to administrators, as a failed job that they can replay. One round trip. */
export async function projectReport(ctx: Ctx, { error, at, ...payload }: SetAsideReport): Promise<WriteOutcome> {
  const reference = `room:${payload.conversation_id}:${payload.entry_id}:${at}`;
  const failure = { reference, userId: payload.user_id, error, createdAt: new Date(at) };
  await commit(ctx, [failedJobRow(ctx, writeSetAsideEntry, payload, failure)]);
  return "done";
}

/** Maps constraint errors to outcomes: a repeated turn is done, and a deleted conversation is gone. */
async function toWriteOutcome(write: () => Promise<void>): Promise<WriteOutcome> {
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

/** Whether a message was written in this conversation, not inherited from its origin. */
const isOwn = ({ conversation_id }: ConversationOwner, { id }: Message): boolean => conversationOf(id) === conversation_id;

const ownConversation = ({ user_id, conversation_id }: ConversationOwner): SQL =>
  and(eq(conversations.user_id, user_id), eq(conversations.id, conversation_id))!;

const conversationExists = (of: ConversationOwner): SQL =>
  sql`exists (select from ${conversations} where ${ownConversation(of)})`;

/** What a removed message keeps: its row, without its text. */
const removal = { text: "", body: null, terms: sql`''::tsvector`, removed_at: sql`now()` };

const changedNow = { updated_at: sql`now()` };

const removalOf = ({ removed_ids = [], temporary = false }: TurnWrite, { id }: Message) =>
  temporary || removed_ids.includes(id) ? removal : {};

/** The row of a message, without characters that Postgres cannot store. @throws RangeError for a streaming message */
async function rowOf({ conversation_id, user_id }: ConversationOwner, message: Message) {
  const { id, role, text, status, created_at, completed_at, conversation_id: _shown, ...body } = toPostgresJson(message);
  const known = finalStatuses.find((each) => each === status);
  if (known === undefined) throw new RangeError(`A message cannot be written while it is ${status}.`);
  const moments = { created_at: new Date(created_at), completed_at: completed_at === null ? null : new Date(completed_at) };
  return { id, conversation_id, user_id, role, text, terms: await messageTerms(text), status: known, body, ...moments };
}

function conversationRow(ctx: Ctx, turn: TurnWrite, { created_at, completed_at }: Message): Statement {
  const title = toPostgresText(turn.title).slice(0, maxTitleLength).toWellFormed();
  const { last_message_at, updated_at, is_title_own } = conversations;
  const at = new Date(completed_at ?? created_at).toISOString();
  return ctx.db
    .update(conversations)
    .set({
      message_count: turn.message_count,
      last_message_at: sql`greatest(${last_message_at}, ${at}::timestamptz)`,
      updated_at: sql`greatest(${updated_at}, ${at}::timestamptz)`,
      ...(title === "" ? {} : { title: sql`case when ${is_title_own} then ${conversations.title} else ${title} end` }),
    })
    .where(ownConversation(turn));
}

/** The usage of a call, and the status of its API key: accepted, rejected, or unchanged after another failure. */
function callRows(ctx: Ctx, { user_id, minion_id }: ConversationOwner, call: TurnCall): Statement[] {
  const { record, external_model_id, key_ref, is_key_rejected } = call;
  const of = { userId: user_id, purpose: "chat" as const, minionId: minion_id, externalModelId: external_model_id };
  const isKeyTested = external_model_id !== null && (is_key_rejected || record.outcome === "complete");
  return [
    usageRow(ctx, record, of),
    ...(isKeyTested ? markKeyStatus(ctx, user_id, { id: external_model_id, key_ref }, is_key_rejected) : []),
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

/** The experience of a confirmation: a task for the minion and each spirit that helped, an error only for those spirits. */
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
