import { AppError, validationError } from "../../kit/errors.ts";
import type { Attachment, Message } from "../../agent/types.ts";
import type { MessageStore, Turn } from "./message-store.ts";

/** What a client sends to have an answer generated again. Nothing: the last answer. */
export type TurnReference = {
  /** The message, or its answer. */
  message_id?: number | undefined;
  /** An ID by which a client knows the message. */
  client_id?: string | undefined;
  /** The text of the message. A message that did not arrive is sent with it. */
  text?: string | undefined;
  attachment_ids?: string[] | undefined;
};

/**
 * Finds the turn that a client refers to.
 * @returns undefined for a `client_id` that no message has, with a text: the message did not arrive
 * @throws not_found; conflict if there is no message to answer; validation_failed for another text, or references to two turns
 */
export function findTurn(transcript: MessageStore, { message_id, client_id, text }: TurnReference): Turn | undefined {
  if (message_id === undefined && client_id === undefined) return transcript.lastTurn();
  const byId = message_id === undefined ? undefined : transcript.turnOf(transcript.require(message_id));
  const message = client_id === undefined ? undefined : transcript.byReference(client_id);
  if (message === undefined && byId === undefined) {
    if (text !== undefined) return undefined;
    throw new AppError("not_found", "No message has this client_id. Send its text, too, to send the message.");
  }
  const byClientId = message && transcript.turnOf(message);
  if (byId && byClientId && byId.question.id !== byClientId.question.id)
    throw fault("client_id", "names another message than message_id");
  const turn = byId ?? byClientId!;
  if (text !== undefined) requireSameText(turn.question, text, client_id === undefined ? "text" : "client_id");
  return turn;
}

/** @throws validation_failed if a message that was sent before is sent again with another content */
export function requireSameContent(
  known: Message,
  { text, attachment_ids }: { text: string; attachment_ids: readonly string[] },
  attachmentOf: (id: string) => Attachment | undefined,
): void {
  requireSameText(known, text, "client_id");
  // A client that retries can upload its files again.
  const stored = known.parts.flatMap((part) => (part.type === "file" ? [describeFile(part)] : []));
  const sent = attachment_ids.map((id) => describeFile(attachmentOf(id)));
  if (stored.join("\n") !== sent.join("\n"))
    throw fault("client_id", "was sent with other files. Use a new client_id for a new message");
}

function requireSameText({ text: stored }: Message, text: string, path: string): void {
  if (stored === text) return;
  throw fault(
    path,
    path === "client_id"
      ? "was sent with another text. Use a new client_id for a new message, or edit the message"
      : "is not the text of the message. Edit the message to change it",
  );
}

const describeFile = (file?: Pick<Attachment, "name" | "media_type" | "size">) =>
  JSON.stringify(file && [file.name, file.media_type, file.size]);

const fault = (path: string, message: string) => validationError([{ path, in: "body", message }]);
