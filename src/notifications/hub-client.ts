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

/** Calls a user's hub. The call is retried once if the platform marks the error as retryable. */
export function callHub<T>(ctx: Ctx, userId: number, call: (hub: Hub) => Promise<T>): Promise<T> {
  const hubOf = () => ctx.env.USER_HUB.getByName(String(userId));
  return callObject(ctx.roundTrips, "The hub", timeoutMs, () => call(hubOf()));
}

/** Sends a frame to a user's devices after the reply. Postgres has the data of lost frames. @param key identifies the frame, so that it is sent once */
export function pushToDevices(ctx: Ctx, userId: number, frame: EventFrame, key?: string): Promise<void> {
  return callHub(ctx.background(), userId, (hub) => hub.push(frame, key));
}

/**
 * Returns the statement, and after its commit makes the user's rooms read their cached settings again. If that notice is lost, the cache
 * expires within a minute.
 */
export function invalidatingSettings<S extends Statement>(ctx: Ctx, userId: number, statement: S): S {
  return afterCommit(statement, () => invalidateSettings(ctx, userId));
}

/** Makes the user's rooms read their cached settings again, after the reply. */
export function invalidateSettings(ctx: Ctx, userId: number): Promise<void> {
  return callHub(ctx.background(), userId, (hub) => hub.invalidateSettings(ctx.requestId));
}

/** Connects a device's socket to the user's hub, or returns the hub's refusal. @throws realtime_unavailable */
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

/** Closes the sockets of a user's devices after the reply. */
export function disconnectDevices(ctx: Ctx, userId: number, devices: readonly string[] | "all"): void {
  const dismissed = callHub(ctx.background(), userId, (hub) => hub.disconnectDevices(devices, ctx.requestId)).catch(
    (error: unknown) =>
      log("error", "The sockets of a revoked device could not be closed.", { request_id: ctx.requestId, error }),
  );
  ctx.waitUntil(dismissed);
}
