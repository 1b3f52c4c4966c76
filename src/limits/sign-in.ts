import type { Ctx } from "../context.ts";
import { sha256Hex } from "../kit/crypto/hash.ts";
import { AppError } from "../kit/errors.ts";
import { log } from "../kit/log.ts";
import { callObject, hasErrorFlag } from "../kit/socket/call-object.ts";
import type { Admission, SignInGate, SignInKeys } from "./durable-object.ts";
import { addressGroup, normalizeIdentifier } from "./rules.ts";

/** An attempt that was let through. It counts as failed until `signInSucceeded` or `signInWithdrawn` says otherwise. */
export type SignInTicket = {
  readonly gate: string;
  /** Whose budget was charged; null where the gate was out. */
  readonly budget: string | null;
  readonly deviceToken: string | null;
};

const timeoutMs = 2_000;

/**
 * Asks whether a password may be tried for this identifier, before anything is looked up or hashed. One round trip. An account
 * that does not exist answers like one that does. Where the gate is out, the attempt goes on under the plain rate limit.
 * @param identifier what was typed as the name of the account
 * @param deviceToken the long-lived secret of the device, if it sent one; a device that signed in before is known by it
 * @throws rate_limited, with `Retry-After`
 */
export async function admitSignIn(ctx: Ctx, identifier: string, deviceToken: string | null): Promise<SignInTicket> {
  const gate = await gateOf(identifier);
  const keys = await keysOf(ctx, gate, deviceToken);
  try {
    const admission = await askGate<Admission>(ctx, gate, async (stub) => stub.attempt(keys));
    if (admission.admitted) return { gate, budget: admission.budget, deviceToken };
    throw tooOften(admission.retryAfterSeconds);
  } catch (error) {
    if (error instanceof AppError) throw error;
    // One gate alone is overloaded when its one account is under attack: to open it then would serve the attacker.
    if (hasErrorFlag(error, "overloaded")) throw tooOften(1);
    log("error", "The sign-in gate is unavailable. The attempt is allowed without a delay.", {
      request_id: ctx.requestId,
      error,
    });
    return { gate, budget: null, deviceToken };
  }
}

/**
 * Says that the password was right: the attempt is taken back, and the device and the address are known from now on.
 * @param deviceToken the secret that the device was given now, if it had none
 */
export function signInSucceeded(ctx: Ctx, ticket: SignInTicket, deviceToken = ticket.deviceToken): void {
  notifyGate(ctx, ticket.gate, async (stub) => stub.recordSuccess(ticket.budget, await keysOf(ctx, ticket.gate, deviceToken)));
}

/** Says that nobody looked at the password, since something of ours was out or busy: the attempt is taken back. */
export function signInWithdrawn(ctx: Ctx, ticket: SignInTicket): void {
  const { gate, budget } = ticket;
  if (budget !== null) notifyGate(ctx, gate, (stub) => stub.refund(budget));
}

/** Knows this device and address for an account from now on: after registering, or resetting the password. */
export function rememberDevice(ctx: Ctx, identifier: string, deviceToken: string | null): void {
  ctx.waitUntil(gateOf(identifier).then((gate) => signInSucceeded(ctx, { gate, budget: null, deviceToken })));
}

/** Forgets all attempts to sign in by these names. @throws what the platform says of objects that do not answer */
export async function forgetSignIns(ctx: Ctx, identifiers: readonly string[]): Promise<void> {
  const gates = await Promise.all(identifiers.map(gateOf));
  await Promise.all(gates.map((gate) => askGate(ctx, gate, (stub) => stub.reset())));
}

function tooOften(seconds: number): AppError {
  const wait = seconds === 1 ? "1 second" : `${seconds} seconds`;
  return new AppError("rate_limited", `Too many sign-in attempts for this account. Try again in ${wait}.`, {
    headers: { "retry-after": String(seconds) },
  });
}

function gateOf(identifier: string): Promise<string> {
  return sha256Hex(`sign-in ${normalizeIdentifier(identifier)}`);
}

/** The gate is in each hash, so that those of one device or address under several accounts have nothing in common. */
async function keysOf({ client }: Ctx, gate: string, deviceToken: string | null): Promise<SignInKeys> {
  const [device, address] = await Promise.all([
    deviceToken === null ? null : sha256Hex(`${gate} device ${deviceToken}`),
    client.ip === null ? null : sha256Hex(`${gate} address ${addressGroup(client.ip)}`),
  ]);
  return { device, address };
}

type Gate = DurableObjectStub<SignInGate>;

function askGate<T>(ctx: Ctx, gate: string, ask: (stub: Gate) => Promise<T>): Promise<T> {
  return callObject(ctx.roundTrips, "The sign-in gate", timeoutMs, () => ask(ctx.env.SIGN_IN_GATE.getByName(gate)));
}

/** Calls the gate behind the reply. What fails leaves the attempt counted as failed, which time forgives. */
function notifyGate(ctx: Ctx, gate: string, tell: (stub: Gate) => Promise<void>): void {
  const told = askGate(ctx.background(), gate, tell).catch((error: unknown) =>
    log("warn", "The sign-in gate did not receive the outcome of an attempt.", { request_id: ctx.requestId, error }),
  );
  ctx.waitUntil(told);
}
