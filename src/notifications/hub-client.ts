import type { Ctx } from "../context.ts";
import { afterCommit, type Statement } from "../kit/db/commit.ts";
import { AppError } from "../kit/errors.ts";
import { log } from "../kit/log.ts";
import { callObject } from "../kit/socket/call-object.ts";
import { connectSocket, type SocketRequest } from "../kit/socket/upgrade.ts";
import type { UserHub } from "./durable-object.ts";
import type { EventFrame } from "./protocol.ts";

const timeoutMs = 5_000;

type Hub = DurableObjectStub<UserHub>;

/** Asks a user's hub, once more where the platform says that it can help. */
export function callHub<T>(ctx: Ctx, userId: number, ask: (hub: Hub) => Promise<T>): Promise<T> {
  const hubOf = () => ctx.env.USER_HUB.getByName(String(userId));
  return callObject(ctx.roundTrips, "The hub", timeoutMs, () => ask(hubOf()));
}

/** Tells a user's devices, behind the reply. What does not arrive, they find in Postgres. @param key tells a frame that was told before */
export function pushToDevices(ctx: Ctx, userId: number, frame: EventFrame, key?: string): Promise<void> {
  return callHub(ctx.background(), userId, (hub) => hub.push(frame, key));
}

/**
 * The same statement, behind which the user's rooms are told that something of what they keep for a while has changed. Where that is lost,
 * they find out by themselves within a minute.
 */
export function invalidatingSettings<S extends Statement>(ctx: Ctx, userId: number, statement: S): S {
  return afterCommit(statement, () => callHub(ctx.background(), userId, (hub) => hub.invalidateSettings()));
}

/** Opens a device's socket to its user's hub, or replies with the hub's refusal. @throws realtime_unavailable */
export async function openHubSocket(ctx: Ctx, arrival: SocketRequest): Promise<Response> {
  try {
    const { USER_HUB } = ctx.env;
    return await ctx.roundTrips.time("do", () =>
      connectSocket(USER_HUB, String(arrival.claims.user_id), arrival, ctx.requestId),
    );
  } catch (cause) {
    throw new AppError("realtime_unavailable", "The real-time service is unavailable. Try again.", { cause });
  }
}

/** Ends what devices of a user listen to, behind the reply. */
export function disconnectDevices(ctx: Ctx, userId: number, devices: readonly string[] | "all"): void {
  const dismissed = callHub(ctx.background(), userId, (hub) => hub.dismiss(devices)).catch((error: unknown) =>
    log("error", "The sockets of a revoked device could not be closed.", { request_id: ctx.requestId, error }),
  );
  ctx.waitUntil(dismissed);
}
