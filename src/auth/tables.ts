import { sql } from "drizzle-orm";
import { boolean, check, index, integer, jsonb, pgTable, text, unique } from "drizzle-orm/pg-core";
import { createdUpdatedAt, identityId, inList, timestamptz } from "../kit/db/columns.ts";
import { emailTokenPurposes } from "./constants.ts";
import { permissions, roles, type Permission, type Role } from "./roles.ts";

const listOf = (values: readonly string[]) => sql.raw(`array[${values.map((value) => `'${value}'`).join(", ")}]`);

export const users = pgTable(
  "users",
  {
    id: identityId(),
    /** The sign-in name, in lower case. Null for some social accounts. */
    username: text(),
    /** The username with the original case. */
    display_username: text(),
    email: text().notNull(),
    /** Whether the user has proven the address. A trigger sets it to false when the address changes. */
    email_verified: boolean().notNull().default(false),
    /** When the address was proven. A trigger keeps it in step with `email_verified`. */
    email_verified_at: timestamptz(),
    name: text().notNull(),
    first_name: text().notNull().default(""),
    last_name: text().notNull().default(""),
    avatar_url: text(),
    roles: text().array().$type<Role[]>().notNull().default(["user"]),
    banned_at: timestamptz(),
    ban_reason: text(),
    ...createdUpdatedAt,
  },
  (t) => [
    unique("user_email_taken").on(t.email),
    unique("user_username_taken").on(t.username),
    // A block range index: tiny, since rows are written in the order of time.
    index("users_by_creation").using("brin", t.created_at),
    check("user_email_lower_case", sql`${t.email} = lower(${t.email})`),
    check("user_username_lower_case", sql`${t.username} = lower(${t.username})`),
    check("user_roles_known", sql`${t.roles} <@ ${listOf(roles)}`),
  ],
);

const ownerId = () =>
  integer()
    .notNull()
    .references(() => users.id, { onDelete: "cascade" });

/** A session of a device. Each refresh replaces its token and keeps the row. A trigger sets `created_at`, by the clock of Postgres. */
export const sessions = pgTable(
  "sessions",
  {
    id: identityId(),
    user_id: ownerId(),
    token: text().notNull(),
    expires_at: timestamptz().notNull(),
    ip_address: text(),
    user_agent: text(),
    /** The city and country that Cloudflare reports. */
    place: text(),
    last_seen_at: timestamptz().notNull().defaultNow(),
    ...createdUpdatedAt,
  },
  (t) => [
    unique("session_token_taken").on(t.token),
    index("sessions_of_user").on(t.user_id),
    index("sessions_by_expiry").on(t.expires_at),
  ],
);

/** Replaced tokens. The use of one after the grace period revokes its session. */
export const retiredTokens = pgTable(
  "retired_tokens",
  {
    /** SHA-256 of the token, base64url. */
    token_hash: text().primaryKey(),
    session_id: integer()
      .notNull()
      .references(() => sessions.id, { onDelete: "cascade" }),
    retired_at: timestamptz().notNull().defaultNow(),
  },
  (t) => [index("retired_tokens_of_session").on(t.session_id)],
);

/** A sign-in method of a user: a password or an account at a provider. */
export const accounts = pgTable(
  "accounts",
  {
    id: identityId(),
    user_id: ownerId(),
    account_id: text().notNull(),
    provider_id: text().notNull(),
    access_token: text(),
    refresh_token: text(),
    id_token: text(),
    access_token_expires_at: timestamptz(),
    refresh_token_expires_at: timestamptz(),
    scope: text(),
    /** scrypt, in PHC form. */
    password: text(),
    ...createdUpdatedAt,
  },
  (t) => [unique("account_linked_once").on(t.provider_id, t.account_id), index("accounts_of_user").on(t.user_id)],
);

/** States of social sign-in. */
export const verifications = pgTable(
  "verifications",
  {
    id: identityId(),
    identifier: text().notNull(),
    value: text().notNull(),
    expires_at: timestamptz().notNull(),
    ...createdUpdatedAt,
  },
  (t) => [index("verifications_by_identifier").on(t.identifier)],
);

/** Tokens of mailed links. Each works once. A used one stays until it expires, so that its link can say that it was used. */
export const emailTokens = pgTable(
  "email_tokens",
  {
    /** SHA-256 of the token, base64url. */
    token_hash: text().primaryKey(),
    user_id: ownerId(),
    purpose: text({ enum: emailTokenPurposes }).notNull(),
    /** The address that the link was sent to. The token is void if the account has another one. */
    email: text().notNull(),
    expires_at: timestamptz().notNull(),
    used_at: timestamptz(),
    created_at: timestamptz().notNull().defaultNow(),
  },
  (t) => [
    index("email_tokens_of_user").on(t.user_id),
    index("email_tokens_by_expiry").on(t.expires_at),
    check("email_token_purpose_known", inList(t.purpose, emailTokenPurposes)),
  ],
);

export const apiKeys = pgTable(
  "api_keys",
  {
    id: identityId(),
    user_id: ownerId(),
    name: text().notNull(),
    /** The first characters, which identify the key to its owner. */
    prefix: text().notNull(),
    /** SHA-256 of the key, base64url. */
    key_hash: text().notNull(),
    scopes: text().array().$type<Permission[]>().notNull(),
    expires_at: timestamptz(),
    last_used_at: timestamptz(),
    created_at: timestamptz().notNull().defaultNow(),
  },
  (t) => [
    unique("api_key_hash_taken").on(t.key_hash),
    index("api_keys_of_user").on(t.user_id),
    check("api_key_scopes_known", sql`${t.scopes} <@ ${listOf(permissions)}`),
    check("api_key_has_a_scope", sql`cardinality(${t.scopes}) > 0`),
  ],
);

/** The audit log. Append-only. Entries are written in the commit of the action. */
export const auditLog = pgTable(
  "audit_log",
  {
    id: identityId(),
    at: timestamptz().notNull().defaultNow(),
    action: text().notNull(),
    /** The ID of the acting user, if there is one. No foreign key: the ID stays if the row of the user is deleted. */
    actor_user_id: integer(),
    /** `user:7`, `key:3`, `system:job`, `anonymous`. */
    actor: text().notNull(),
    /** The ID of the user that the action concerns. */
    subject_user_id: integer(),
    details: jsonb().$type<Record<string, unknown>>().notNull().default({}),
    ip_address: text(),
    request_id: text().notNull(),
  },
  (t) => [index("audit_log_by_subject").on(t.subject_user_id, t.id), index("audit_log_by_actor").on(t.actor_user_id, t.id)],
);
