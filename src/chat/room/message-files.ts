import { imageTypes } from "../../agent/constants.ts";
import type { TurnSettings } from "../../agent/settings.ts";
import type { MessagePart } from "../../agent/types.ts";
import { validationError } from "../../kit/errors.ts";
import type { RoomStateStore } from "./state-store.ts";

/**
 * The file parts of a message, from the IDs of attached files.
 * @throws validation_failed for a file that is not attached, and for an image if the model does not accept images
 */
export function resolveAttachments(stateStore: RoomStateStore, ids: readonly string[], { model }: TurnSettings): MessagePart[] {
  return ids.map((id, index) => {
    const fault = (message: string) => validationError([{ path: `attachment_ids.${index}`, in: "body", message }]);
    const attachment = stateStore.attachment(id);
    if (attachment === undefined) throw fault("is not attached to this conversation");
    const { key: _key, ...file } = attachment;
    if (!model.sees_pictures && imageTypes.some((type) => type === file.media_type)) {
      throw fault("is an image, and the minion's model does not accept images");
    }
    return { type: "file", ...file };
  });
}
