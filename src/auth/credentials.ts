import { and, eq, gt, isNull, or, sql } from "drizzle-orm";
import { LRUCache } from "lru-cache";
import type { Actor, Ctx } from "../context.ts";
import { sha256Hex } from "../kit/crypto/hash.ts";
import { commit } from "../kit/db/commit.ts";
import { auditRow } from "./audit.ts";
import { permissionsOf, type Permission, type Role } from "./roles.ts";
import { apiKeys, retiredTokens, sessions, users } from "./tables.ts";

/** The data of a token or key. KV stores it, so it contains no secrets. Times are milliseconds since the epoch. */
export type Credential = {
  user_id: number;
  banned: boolean;
  roles: Role[];
  expires_at: number | null;
  seen_at: number;
} & (
  | { kind: "session"; session_id: number }
  | { kind: "key"; key_id: number; scopes: Permission[] }
  | { kind: "minion"; minion_id: number }
);

export const keyPrefix = "sf_";
export const minionTokenPrefix = "mn_";

/** The permissions of a minion token, for its own minion. */
const minionPermissions: readonly Permission[] = ["minions.read", "chat.use"];

/** The device names of socket clients: a session or an API key. */
export const sessionDevice = (sessionId: number) => `session:${sessionId}`;
export const keyDevice = (keyId: number) => `key:${keyId}`;

/** A replaced token stays valid for this time, for requests that were already sent. */
const graceMs = 30_000;

/** The minimum time between two writes of `last_seen_at`. */
const seenMs = 5 * 60_000;

// The cache's own `ttl` is not used: its clock stops when the request that started its timer ends.
const memory = new LRUCache<string, { credential: Credential; until: number }>({ max: 10_000 });

const kvKey = (hash: string) => `credential:${hash}`;

/**
 * Finds the credential of a token or key in memory, KV or Postgres. With `fresh`, only Postgres is read.
 * @returns undefined if it is unknown, expired or revoked
 */
export async function findCredential(ctx: Ctx, secret: string, fresh: boolean): Promise<Credential | undefined> {
  const hash = await sha256Hex(secret);
  const cached = fresh ? null : await cachedCredential(ctx, hash);
  if (cached !== null && isLive(cached)) {
    touchLastSeen(ctx, hash, cached);
    return cached;
  }
  const loaded = await loadCredential(ctx, secret, hash);
  if (loaded === undefined || !isLive(loaded)) {
    await forgetCredential(ctx, hash);
    return undefined;
  }
  remember(ctx, hash, loaded);
  touchLastSeen(ctx, hash, loaded);
  return loaded;
}

function isLive({ expires_at }: Credential): boolean {
  return expires_at === null || expires_at > Date.now();
}

/** Removes a token from memory and KV. This isolate refuses it at once; other isolates refuse it when their memory expires. */
export async function forgetCredential(ctx: Ctx, hash: string): Promise<void> {
  memory.delete(hash);
  if (ctx.env.SESSION_KV_SECONDS > 0) await ctx.cache.delete(kvKey(hash)).catch(() => undefined);
}

/** The actor of a credential. */
export function actorOf(credential: Credential): Actor {
  const { user_id: userId, roles } = credential;
  const permissions = permissionsOf(roles);
  const limited = (scopes: readonly Permission[]) => scopes.filter((scope) => permissions.includes(scope));
  if (credential.kind === "session") {
    return { kind: "user", userId, sessionId: credential.session_id, roles, permissions };
  }
  if (credential.kind === "key") {
    return { kind: "key", userId, keyId: credential.key_id, permissions: limited(credential.scopes) };
  }
  return { kind: "minion", userId, minionId: credential.minion_id, permissions: limited(minionPermissions) };
}

async function cachedCredential(ctx: Ctx, hash: string): Promise<Credential | null> {
  const entry = memory.get(hash);
  if (entry !== undefined && entry.until > Date.now()) return entry.credential;
  if (ctx.env.SESSION_KV_SECONDS === 0) return null;
  const copy = await ctx.cache.get<Credential>(kvKey(hash)).catch(() => null);
  if (copy !== null) cacheCredential(ctx, hash, copy);
  return copy;
}

function remember(ctx: Ctx, hash: string, credential: Credential): void {
  cacheCredential(ctx, hash, credential);
  const ttl = ctx.env.SESSION_KV_SECONDS;
  if (ttl > 0) {
    ctx.waitUntil(
      ctx
        .background()
        .cache.put(kvKey(hash), credential, ttl)
        .catch(() => undefined),
    );
  }
}

function cacheCredential({ env }: Ctx, hash: string, credential: Credential): void {
  memory.set(hash, { credential, until: Date.now() + env.SESSION_MEMORY_SECONDS * 1_000 });
}

function loadCredential(ctx: Ctx, secret: string, hash: string): Promise<Credential | undefined> {
  if (secret.startsWith(keyPrefix)) return loadKey(ctx, hash);
  return secret.startsWith(minionTokenPrefix) ? loadMinionToken(ctx, hash) : loadSession(ctx, secret, hash);
}

const userColumns = { roles: users.roles, banned_at: users.banned_at, email: users.email };

type UserFacts = { roles: Role[]; email: string; is_since_proof: boolean };

/**
 * Adds the superuser role if the address is the configured `SUPERUSER_EMAIL`, and the device signed in after the user had proven it:
 * whoever registers with an address of somebody else gets nothing when its owner proves it.
 */
export function rolesOf(ctx: Ctx, { roles, email, is_since_proof }: UserFacts): Role[] {
  return is_since_proof && email === ctx.env.SUPERUSER_EMAIL ? [...new Set<Role>([...roles, "superuser"])] : roles;
}

/** Whether a session or key was made after its user had proven the address. */
const isSinceProof = (created: typeof sessions.created_at | typeof apiKeys.created_at) =>
  sql<boolean>`coalesce(${created} > ${users.email_verified_at}, false)`;

async function loadKey(ctx: Ctx, hash: string): Promise<Credential | undefined> {
  const [row] = await ctx.db
    .select({
      ...userColumns,
      key_id: apiKeys.id,
      user_id: apiKeys.user_id,
      scopes: apiKeys.scopes,
      expires_at: apiKeys.expires_at,
      is_since_proof: isSinceProof(apiKeys.created_at),
      seen_at: apiKeys.last_used_at,
    })
    .from(apiKeys)
    .innerJoin(users, eq(users.id, apiKeys.user_id))
    .where(and(eq(apiKeys.key_hash, hash), or(isNull(apiKeys.expires_at), gt(apiKeys.expires_at, sql`now()`))));
  if (row === undefined) return undefined;
  const { key_id, user_id, scopes, expires_at, seen_at } = row;
  const facts = {
    user_id,
    banned: row.banned_at !== null,
    roles: rolesOf(ctx, row),
    expires_at: expires_at?.getTime() ?? null,
  };
  return { kind: "key", key_id, scopes, ...facts, seen_at: seen_at?.getTime() ?? 0 };
}

async function loadMinionToken(ctx: Ctx, hash: string): Promise<Credential | undefined> {
  const reached = sql`(${ctx.hooks.minionByToken(hash)}) reached`;
  const [row] = await ctx.db
    .select({ ...userColumns, user_id: users.id, minion_id: sql<number>`reached.minion_id` })
    .from(users)
    .innerJoin(reached, eq(sql`reached.user_id`, users.id));
  if (row === undefined) return undefined;
  const { user_id, minion_id } = row;
  const facts = { user_id, banned: row.banned_at !== null, roles: row.roles, expires_at: null, seen_at: 0 };
  return { kind: "minion", minion_id, ...facts };
}

async function loadSession(ctx: Ctx, token: string, hash: string): Promise<Credential | undefined> {
  const [row] = await ctx.db
    .select({
      ...userColumns,
      session_id: sessions.id,
      user_id: sessions.user_id,
      expires_at: sessions.expires_at,
      seen_at: sessions.last_seen_at,
      is_since_proof: isSinceProof(sessions.created_at),
      retired_at: retiredTokens.retired_at,
    })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.user_id))
    .leftJoin(retiredTokens, and(eq(retiredTokens.session_id, sessions.id), eq(retiredTokens.token_hash, hash)))
    .where(
      and(
        gt(sessions.expires_at, sql`now()`),
        or(
          eq(sessions.token, token),
          eq(sessions.id, sql`(select session_id from ${retiredTokens} where token_hash = ${hash})`),
        ),
      ),
    );
  if (row === undefined) return undefined;
  const { session_id, user_id, retired_at, expires_at, seen_at } = row;
  if (retired_at !== null && Date.now() - retired_at.getTime() > graceMs) {
    const [deletedSessions] = await commit(ctx, [
      ctx.db.delete(sessions).where(eq(sessions.id, session_id)).returning({ token: sessions.token }),
      auditRow(ctx, "session.family_revoked", user_id, { session_id }),
    ]);
    ctx.hooks.onDevicesRevoked(ctx, user_id, [sessionDevice(session_id)]);
    await Promise.all(deletedSessions.map(async (session) => forgetCredential(ctx, await sha256Hex(session.token))));
    return undefined;
  }
  return {
    kind: "session",
    session_id,
    user_id,
    banned: row.banned_at !== null,
    roles: rolesOf(ctx, row),
    expires_at: retired_at === null ? expires_at.getTime() : retired_at.getTime() + graceMs,
    seen_at: seen_at.getTime(),
  };
}

/** Writes the last use of a session or key after the reply. */
function touchLastSeen(ctx: Ctx, hash: string, credential: Credential): void {
  if (credential.kind === "minion" || Date.now() - credential.seen_at < seenMs) return;
  credential.seen_at = Date.now();
  remember(ctx, hash, credential);
  const { db } = ctx.background();
  const { ip, location } = ctx.client;
  ctx.waitUntil(
    (credential.kind === "session"
      ? db
          .update(sessions)
          .set({ last_seen_at: sql`now()`, ip_address: ip, place: location })
          .where(eq(sessions.id, credential.session_id))
      : db
          .update(apiKeys)
          .set({ last_used_at: sql`now()` })
          .where(eq(apiKeys.id, credential.key_id))
    ).then(undefined, () => undefined),
  );
}
