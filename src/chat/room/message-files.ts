import { imageTypes } from "../../agent/constants.ts";
import type { TurnSettings } from "../../agent/settings.ts";
import type { MessagePart } from "../../agent/types.ts";
import { validationError } from "../../kit/errors.ts";
import type { RoomStateStore } from "./state-store.ts";

/**
 * The file parts of a message, from the ids of files that were attached before.
 * @throws validation_failed for a file that is not attached here, and for a picture where the model takes none
 */
export function resolveAttachments(notes: RoomStateStore, ids: readonly string[], { model }: TurnSettings): MessagePart[] {
  return ids.map((id, index) => {
    const fault = (message: string) => validationError([{ path: `attachment_ids.${index}`, in: "body", message }]);
    const attachment = notes.attachment(id);
    if (attachment === undefined) throw fault("is not attached to this conversation");
    const { key: _key, ...shown } = attachment;
    if (!model.sees_pictures && imageTypes.some((type) => type === shown.media_type)) {
      throw fault("is an image, and the minion's model does not accept images");
    }
    return { type: "file", ...shown };
  });
}
