import type { Ctx } from "../context.ts";
import type { Statement } from "../kit/db/commit.ts";
import { callHub, disconnectDevices } from "./hub-client.ts";
import { exportRows } from "./service.ts";

export const onDevicesRevoked = disconnectDevices;
export const exportUser = exportRows;

/** Empties the hub; the rows go with the user's. */
export async function eraseUser(ctx: Ctx, userId: number): Promise<Statement[]> {
  await callHub(ctx, userId, (hub) => hub.erase());
  return [];
}
