import type { Ctx } from "../context.ts";
import type { Statement } from "../kit/db/commit.ts";
import { callHub, disconnectDevices } from "./hub-client.ts";
import { exportRows } from "./service.ts";

export const onDevicesRevoked = disconnectDevices;
export const exportUser = exportRows;

/** Empties the hub. The rows are deleted with the user. */
export async function eraseUser(ctx: Ctx, userId: number): Promise<Statement[]> {
  await callHub(ctx, userId, (hub) => hub.erase());
  return [];
}
