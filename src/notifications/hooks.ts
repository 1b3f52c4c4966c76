import type { Ctx } from "../context.ts";
import type { Statement } from "../kit/db/commit.ts";
import { askHub, dismissDevices } from "./hub-client.ts";
import { exportRows } from "./service.ts";

export const onDevicesGone = dismissDevices;
export const exportUser = exportRows;

/** Empties the hub; the rows go with the user's. */
export async function eraseUser(ctx: Ctx, userId: number): Promise<Statement[]> {
  await askHub(ctx, userId, (hub) => hub.erase());
  return [];
}
