import type { Ctx } from "../context.ts";
import { andThen, type Statement } from "../kit/db/commit.ts";
import { AppError } from "../kit/errors.ts";
import { log } from "../kit/log.ts";
import { askObject } from "../kit/socket/call-object.ts";
import { connectSocket, type Arrival } from "../kit/socket/upgrade.ts";
import type { UserHub } from "./durable-object.ts";
import type { EventFrame } from "./protocol.ts";

const timeoutMs = 5_000;

type Hub = DurableObjectStub<UserHub>;

/** Asks a user's hub, once more where the platform says that it can help. */
export function askHub<T>(ctx: Ctx, userId: number, ask: (hub: Hub) => Promise<T>): Promise<T> {
  const hubOf = () => ctx.env.USER_HUB.getByName(String(userId));
  return askObject(ctx.meter, "The hub", timeoutMs, () => ask(hubOf()));
}

/** Tells a user's devices, behind the reply. What does not arrive, they find in Postgres. @param key tells a frame that was told before */
export function tellDevices(ctx: Ctx, userId: number, frame: EventFrame, key?: string): Promise<void> {
  return askHub(ctx.behind(), userId, (hub) => hub.tell(frame, key));
}

/**
 * The same statement, behind which the user's rooms are told that something of what they keep for a while has changed. Where that is lost,
 * they find out by themselves within a minute.
 */
export function unsettling<S extends Statement>(ctx: Ctx, userId: number, statement: S): S {
  return andThen(statement, () => askHub(ctx.behind(), userId, (hub) => hub.unsettle()));
}

/** Opens a device's socket to its user's hub, or replies with the hub's refusal. @throws realtime_unavailable */
export async function openHubSocket(ctx: Ctx, arrival: Arrival): Promise<Response> {
  try {
    const { USER_HUB } = ctx.env;
    return await ctx.meter.time("do", () => connectSocket(USER_HUB, String(arrival.claims.user_id), arrival, ctx.requestId));
  } catch (cause) {
    throw new AppError("realtime_unavailable", "Your hub does not answer.", { cause });
  }
}

/** Ends what devices of a user listen to, behind the reply. */
export function dismissDevices(ctx: Ctx, userId: number, devices: readonly string[] | "all"): void {
  const dismissed = askHub(ctx.behind(), userId, (hub) => hub.dismiss(devices)).catch((error: unknown) =>
    log("error", "A device that was signed out may still listen.", { request_id: ctx.requestId, error }),
  );
  ctx.defer(dismissed);
}
