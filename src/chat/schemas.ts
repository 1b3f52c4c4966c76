import * as z from "zod";
import { Id, IdParamValue, Timestamp, NextCursor, IntegerParam, ok, TotalCount } from "../kit/http/zod-schemas.ts";
import { finishReasons, imageTypes, memoryStatuses, messageRoles, messageStatuses } from "../agent/constants.ts";
import {
  confirmations,
  conversationKinds,
  maxFactLength,
  maxFacts,
  maxTitleLength,
  ratings,
  temporaryHours,
} from "./constants.ts";
import type { Message } from "../agent/types.ts";
import { Citation, Usage } from "../agent/protocol.ts";
import { ApprovalFrame, ClientId, SendFrame } from "./protocol.ts";

// ── Requests ─────────────────────────────────────────────────────────────────

const Title = z.string().trim().min(1).max(maxTitleLength);
const Fact = z.string().trim().min(1).max(maxFactLength);

export const NewConversation = z.object({
  title: Title.optional().meta({ description: "Default: generated from the first turn" }),
  temporary: z
    .boolean()
    .default(false)
    .meta({
      description:
        "A temporary conversation uses no memory and stores no facts. It is not in lists, searches and exports of the account, cannot be forked, and is " +
        `deleted ${temporaryHours} hours after its last activity.`,
    }),
});

/** The last activity of a conversation, in microseconds since 1970, and its ID. */
const ActivityCursor = z
  .string()
  .regex(/^\d{1,17}-\d{1,9}$/, "must be a `next_cursor` of an earlier page")
  .transform((text) => {
    const [at, id] = text.split("-") as [string, string];
    return { at, id: Number(id) };
  });

export const ConversationsQuery = z.object({
  limit: IntegerParam.pipe(z.int().min(1).max(100)).default(20).meta({ description: "Page size" }),
  cursor: ActivityCursor.optional().meta({
    override: { type: "string" },
    description: "`next_cursor` of the previous page",
  }),
  minion_id: IdParamValue.optional().meta({ description: "Only conversations with this minion" }),
  q: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .optional()
    .meta({ description: 'Search in titles and messages. Supports `"a phrase"`, `or`, and `-not`.', example: "eagles" }),
});
export type ConversationsQuery = z.output<typeof ConversationsQuery>;

export const ConversationChange = z
  .object({
    title: Title,
    pinned_facts: z.array(Fact).max(maxFacts).meta({ description: "Facts that the minion receives in every turn" }),
  })
  .partial()
  .refine((change) => Object.keys(change).length > 0, "must have at least one field to change");
export type ConversationChange = z.output<typeof ConversationChange>;

/** A message ID, which is below 2^53. */
const MessageIdText = z
  .string()
  .regex(/^\d{1,15}$/, "must be a whole number")
  .transform(Number)
  .pipe(z.int().min(1));

const AttachmentIds = SendFrame.shape.attachment_ids.unwrap();

export const NewMessage = z.object({
  text: SendFrame.shape.text,
  client_id: SendFrame.shape.client_id.optional().meta({
    description:
      "Your own ID for this message. A message that is sent twice with the same ID is stored and answered once; with another content, it is refused with 422.",
  }),
  attachment_ids: SendFrame.shape.attachment_ids.meta({ description: "IDs of files that are attached to this conversation" }),
});

export const EditedMessage = z.object({
  text: SendFrame.shape.text,
  attachment_ids: AttachmentIds.optional().meta({ description: "Default: the files that the message has" }),
});

export const Regeneration = z
  .object({
    message_id: z
      .union([z.int().min(1), MessageIdText])
      .optional()
      .meta({ description: "ID of a message, or of its answer" }),
    client_id: ClientId.optional().meta({
      description: "The `client_id` of a message, or its ID as text. A message keeps the `client_id` if it is edited",
    }),
    text: SendFrame.shape.text.optional().meta({
      description: "The text of the message. If no message has the `client_id`, it did not arrive: it is sent now",
    }),
    attachment_ids: AttachmentIds.optional().meta({ description: "Files of a message that did not arrive" }),
  })
  .refine(({ text, client_id, message_id }) => text === undefined || client_id !== undefined || message_id !== undefined, {
    path: ["client_id"],
    error: "is required with text",
  });
export const Feedback = z.object({ rating: z.enum(ratings), comment: z.string().trim().max(2_000).default("") });
export const ConfirmBody = z.object({
  kind: z.enum(confirmations).meta({ description: "`task`: the answer completed a task. `error`: the answer fixed an error." }),
});

export const Approval = z.object({
  call_id: ApprovalFrame.shape.call_id.meta({
    description: "The `call_id` of the `tool.approval_needed` frame, or of the tool in the answer",
  }),
  is_approved: z.boolean(),
});

export const MessageParams = z.object({ id: IdParamValue, message_id: MessageIdText.meta({ example: 1_048_577 }) });

/** A message by its ID, or by an ID that its client chose. */
export const MessageReferenceParams = z.object({
  id: IdParamValue,
  message_id: ClientId.meta({
    override: { type: ["integer", "string"] },
    description: "ID of the message, or its `client_id`",
    example: 1_048_577,
  }),
});
export const SocketParams = z.object({ conversation_id: IdParamValue });
export const AttachmentParams = z.object({ id: IdParamValue, attachment_id: z.uuid() });

export const MessagesQuery = z.object({
  limit: IntegerParam.pipe(z.int().min(1).max(100)).default(20).meta({ description: "Page size" }),
  cursor: MessageIdText.optional().meta({ description: "`next_cursor` of the previous page, which has newer messages" }),
});

export const ExportQuery = z.object({ format: z.enum(["json", "markdown"]).default("json") });
export type ExportFormat = z.output<typeof ExportQuery>["format"];

// ── Replies ──────────────────────────────────────────────────────────────────

const Count = z.int().min(0);

export const Conversation = z
  .object({
    id: Id,
    minion_id: Id,
    kind: z
      .enum(conversationKinds)
      .meta({ description: "`direct`: the default conversation for API calls that do not name one" }),
    temporary: z.boolean(),
    title: z.string().meta({ description: "Empty until a title is set or generated. A temporary conversation gets none" }),
    pinned_facts: z.array(z.string()),
    forked_from_message_id: z.int().nullable(),
    message_count: Count.meta({ description: "Number of messages of finished turns" }),
    last_message_at: Timestamp.nullable(),
    version: z.int().min(1).meta({ description: "Rises when you edit the title or the pinned facts" }),
    is_answering: z
      .boolean()
      .nullable()
      .meta({ description: "Whether an answer is running; null if the conversation's room is unavailable" }),
    created_at: Timestamp,
    updated_at: Timestamp.meta({ description: "The last change: a message, an answer, a rating, or an edit" }),
  })
  .meta({ id: "Conversation" });

const ToolUse = z.object({
  call_id: z.string(),
  tool: z.string(),
  input: z.unknown(),
  status: z.enum(["running", "awaiting_approval", "complete", "failed", "denied"]),
  output: z.string().nullable().meta({ description: "The result of the tool, or the reason of its failure" }),
  duration_ms: Count.nullable(),
});

const Attached = z.object({
  id: z.string(),
  name: z.string(),
  media_type: z.enum([...imageTypes, "text/plain"]),
  size: Count.meta({ description: "Size in bytes" }),
});

const MessagePart = z.discriminatedUnion("type", [
  z.object({ type: z.literal("text"), text: z.string() }),
  z.object({ type: z.literal("reasoning"), text: z.string() }),
  z.object({ type: z.literal("tool"), call_id: z.string() }),
  z.object({ type: z.literal("file"), ...Attached.shape }),
]);

const Instant = z.iso.datetime();

export const ChatMessage = z
  .object({
    id: z.int(),
    conversation_id: Id.meta({
      description: "The conversation in which the message was written. A fork also shows messages of its origin.",
    }),
    role: z.enum(messageRoles),
    text: z.string(),
    parts: z.array(MessagePart).meta({ description: "The parts of the message, in order" }),
    status: z.enum(messageStatuses).meta({ description: "`interrupted`: a new turn can continue this answer" }),
    citations: z.array(Citation).meta({ description: "The passages that the answer cites" }),
    tools: z.array(ToolUse),
    usage: Usage.nullable(),
    model: z.string().nullable().meta({ description: "The model that answered, as `provider/model`" }),
    error: z
      .object({ code: z.string(), detail: z.string(), retryable: z.boolean() })
      .nullable()
      .meta({ description: "The reason of a failed turn" }),
    finish_reason: z.enum(finishReasons).nullable().meta({
      description:
        "How a complete answer ended. `length`: it was cut at the limit of its tokens; a new message can ask to continue. Null: the answer is not complete.",
    }),
    memory_status: z.enum(memoryStatuses).nullable().meta({
      description: "How much of the earlier conversation the model received: all of it, a summary, or only the latest messages",
    }),
    feedback: z.object({ rating: z.enum(ratings), comment: z.string() }).nullable(),
    confirmed: z.enum(confirmations).nullable(),
    created_at: Instant,
    completed_at: Instant.nullable(),
  })
  .meta({ id: "ChatMessage" }) satisfies z.ZodType<Message>;

export const ConversationReply = z.object({ ...ok, conversation: Conversation });
export const ConversationList = z.object({
  ...ok,
  conversations: z.array(
    Conversation.extend({
      snippet: z.string().nullable().meta({ description: "Excerpt of a matching message, as plain text" }),
    }),
  ),
  total: TotalCount,
  next_cursor: NextCursor,
});
export const ConversationDone = z.object({ ...ok, message: z.string() });
export const MessageReply = z.object({ ...ok, message: ChatMessage });
export const MessageList = z.object({
  ...ok,
  messages: z.array(ChatMessage),
  total: TotalCount,
  next_cursor: NextCursor,
});
export const ApprovalReply = z.object({ ...ok, call_id: z.string(), is_approved: z.boolean() });
export const StopReply = z.object({ ...ok, stopped: z.boolean().meta({ description: "Whether a turn was running" }) });
export const AttachmentReply = z.object({ ...ok, attachment: Attached });
