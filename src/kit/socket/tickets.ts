import { Buffer } from "node:buffer";
import * as z from "zod";
import { AppError } from "../errors.ts";
import { parseJson } from "../json.ts";

/** How long a ticket is valid, in milliseconds. */
export const ticketLifeMs = 60_000;

/** Longer than any issued ticket, in characters. */
const maxTicketLength = 2_000;

/** Maximum length of a label: a user agent can have any length. */
const maxLabelLength = 100;

const TicketClaims = z.object({
  user_id: z.int().min(1),
  device: z.string().regex(/^[a-z]+:\d+$/),
  label: z.string(),
  resource: z.string().min(1),
  jti: z.int().min(0),
  expires_at: z.int(),
});

/**
 * The claims of a ticket: the user, the device (`session:12`, `key:3`) and its display name `label`, the resource (`me`, `room:<id>`),
 * the ticket ID, and the expiry in milliseconds since the epoch.
 */
export type TicketClaims = z.output<typeof TicketClaims>;

/** The holder of a ticket. */
export type TicketHolder = Omit<TicketClaims, "jti" | "expires_at">;

const encoder = new TextEncoder();

/** Derives a separate key, so that nothing else that is signed with the secret is a valid ticket. */
async function keyOf(secret: string): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey("raw", encoder.encode(secret), "HKDF", false, ["deriveKey"]);
  const derivation = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: encoder.encode("socket ticket") };
  return crypto.subtle.deriveKey(derivation, material, { name: "HMAC", hash: "SHA-256", length: 256 }, false, [
    "sign",
    "verify",
  ]);
}

/** A random integer below 2^53: a number is the cheapest key of a row. */
function randomNumber(): number {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2)) as unknown as [number, number];
  return (high >>> 11) * 2 ** 32 + low;
}

/** Creates the claims of a ticket that opens one socket, once, within `ticketLifeMs` of `now`. */
export function createClaims({ user_id, device, label, resource }: TicketHolder, now = Date.now()): TicketClaims {
  const limits = { jti: randomNumber(), expires_at: now + ticketLifeMs };
  return { user_id, device, label: label.slice(0, maxLabelLength), resource, ...limits };
}

/** Issues a ticket that opens one socket, once, within `ticketLifeMs` of `now`. */
export async function issueTicket(
  secret: string,
  holder: TicketHolder,
  now = Date.now(),
): Promise<{ ticket: string; expires_at: Date }> {
  const claims = createClaims(holder, now);
  const payload = Buffer.from(JSON.stringify(claims)).toString("base64url");
  const signature = await crypto.subtle.sign("HMAC", await keyOf(secret), encoder.encode(payload));
  return { ticket: `${payload}.${Buffer.from(signature).toString("base64url")}`, expires_at: new Date(claims.expires_at) };
}

/** Verifies a ticket for `resource`. The room checks whether it was used. @throws unauthenticated */
export async function readTicket(secret: string, text: string, resource: string, now = Date.now()): Promise<TicketClaims> {
  const claims = await verifiedClaims(secret, text);
  if (claims === undefined) throw new AppError("unauthenticated", "Invalid socket ticket. Request a new one.");
  if (claims.expires_at <= now) throw ticketExpired();
  if (claims.resource !== resource)
    throw new AppError("unauthenticated", "This ticket is for another socket. Request a ticket for this one.");
  return claims;
}

export const ticketExpired = () => new AppError("unauthenticated", "This ticket has expired. Request a new one.");

async function verifiedClaims(secret: string, text: string): Promise<TicketClaims | undefined> {
  const [payload, signature, ...rest] = text.split(".");
  if (!payload || !signature || rest.length > 0 || text.length > maxTicketLength) return undefined;
  const key = await keyOf(secret);
  const isOurs = await crypto.subtle.verify("HMAC", key, Buffer.from(signature, "base64url"), encoder.encode(payload));
  return isOurs ? parseClaims(Buffer.from(payload, "base64url").toString()) : undefined;
}

/** Parses claims from JSON; undefined if they are invalid. */
export function parseClaims(text: string): TicketClaims | undefined {
  try {
    return TicketClaims.parse(parseJson(text));
  } catch {
    return undefined;
  }
}
