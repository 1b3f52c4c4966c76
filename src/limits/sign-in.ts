import type { Ctx } from "../context.ts";
import { sha256Hex } from "../kit/crypto/hash.ts";
import { AppError } from "../kit/errors.ts";
import { log } from "../kit/log.ts";
import { callObject, hasErrorFlag } from "../kit/socket/call-object.ts";
import type { Admission, SignInGate, SignInKeys } from "./durable-object.ts";
import { addressGroup, normalizeIdentifier } from "./rules.ts";

/** An admitted attempt. It counts as failed until `signInSucceeded` or `signInWithdrawn` is called. */
export type SignInTicket = {
  readonly gate: string;
  /** The charged budget. Null if the gate was unavailable. */
  readonly budget: string | null;
  readonly deviceToken: string | null;
};

const timeoutMs = 2_000;

/**
 * Admits a sign-in attempt for an identifier before the account is read or the password is hashed. One round trip. Unknown accounts
 * get the same result as existing ones. If the gate is unavailable, only the plain rate limit applies.
 * @param identifier the entered username or email
 * @param deviceToken the long-lived secret of the device, if it sent one. It identifies a device that has signed in before
 * @throws rate_limited, with `Retry-After`
 */
export async function admitSignIn(ctx: Ctx, identifier: string, deviceToken: string | null): Promise<SignInTicket> {
  const gate = await gateOf(identifier);
  const keys = await keysOf(ctx, gate, deviceToken);
  try {
    const admission = await callGate<Admission>(ctx, gate, async (stub) => stub.attempt(keys));
    if (admission.admitted) return { gate, budget: admission.budget, deviceToken };
    throw tooManyAttempts(admission.retryAfterSeconds);
  } catch (error) {
    if (error instanceof AppError) throw error;
    // A single gate is overloaded when its account is under attack. Admitting the attempt would help the attacker.
    if (hasErrorFlag(error, "overloaded")) throw tooManyAttempts(1);
    log("error", "The sign-in gate is unavailable. The attempt is allowed without a delay.", {
      request_id: ctx.requestId,
      error,
    });
    return { gate, budget: null, deviceToken };
  }
}

/**
 * Reports a correct password. The gate takes the attempt back and remembers the device and the address.
 * @param deviceToken the secret that the device received with this sign-in, if it had none
 */
export function signInSucceeded(ctx: Ctx, ticket: SignInTicket, deviceToken = ticket.deviceToken): void {
  notifyGate(ctx, ticket.gate, async (stub) => stub.recordSuccess(ticket.budget, await keysOf(ctx, ticket.gate, deviceToken)));
}

/** Takes an attempt back whose password was not checked because of a server error. */
export function signInWithdrawn(ctx: Ctx, ticket: SignInTicket): void {
  const { gate, budget } = ticket;
  if (budget !== null) notifyGate(ctx, gate, (stub) => stub.refund(budget));
}

/** Remembers this device and address for an account, after a registration or a sign-in. */
export function rememberDevice(ctx: Ctx, identifier: string, deviceToken: string | null): void {
  ctx.waitUntil(gateOf(identifier).then((gate) => signInSucceeded(ctx, { gate, budget: null, deviceToken })));
}

/** Deletes all sign-in attempts for these identifiers. @throws the platform's error if an object is unavailable */
export async function forgetSignIns(ctx: Ctx, identifiers: readonly string[]): Promise<void> {
  const gates = await Promise.all(identifiers.map(gateOf));
  await Promise.all(gates.map((gate) => callGate(ctx, gate, (stub) => stub.reset())));
}

function tooManyAttempts(seconds: number): AppError {
  const wait = seconds === 1 ? "1 second" : `${seconds} seconds`;
  return new AppError("rate_limited", `Too many sign-in attempts for this account. Try again in ${wait}.`, {
    headers: { "retry-after": String(seconds) },
  });
}

function gateOf(identifier: string): Promise<string> {
  return sha256Hex(`sign-in ${normalizeIdentifier(identifier)}`);
}

/** Each hash includes the gate, so the hashes of one device or address differ between accounts. */
async function keysOf({ client }: Ctx, gate: string, deviceToken: string | null): Promise<SignInKeys> {
  const [device, address] = await Promise.all([
    deviceToken === null ? null : sha256Hex(`${gate} device ${deviceToken}`),
    client.ip === null ? null : sha256Hex(`${gate} address ${addressGroup(client.ip)}`),
  ]);
  return { device, address };
}

type Gate = DurableObjectStub<SignInGate>;

function callGate<T>(ctx: Ctx, gate: string, call: (stub: Gate) => Promise<T>): Promise<T> {
  return callObject(ctx.roundTrips, "The sign-in gate", timeoutMs, () => call(ctx.env.SIGN_IN_GATE.getByName(gate)));
}

/** Calls the gate after the reply. If the call fails, the attempt stays counted as failed until it expires. */
function notifyGate(ctx: Ctx, gate: string, call: (stub: Gate) => Promise<void>): void {
  const notified = callGate(ctx.background(), gate, call).catch((error: unknown) =>
    log("warn", "The sign-in gate did not receive the outcome of an attempt.", { request_id: ctx.requestId, error }),
  );
  ctx.waitUntil(notified);
}
