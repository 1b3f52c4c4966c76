import * as z from "zod";
import { HttpsUrl } from "../kit/http/https-url.ts";
import { FutureMoment, Id, IdParamValue, Timestamp, NextCursor, ok, PageQuery } from "../kit/http/zod-schemas.ts";
import { Label, PersonName } from "../kit/names.ts";
import { maxNameLength } from "./constants.ts";
import { permissions, roles } from "./roles.ts";

// ── requests ──────────────────────────────────────────────────────

const Username = z
  .string()
  .trim()
  .min(3)
  .max(30)
  .regex(/^[\w.-]+$/, "may contain only letters, digits, _ . and -")
  .meta({ example: "ada" });
const Email = z.email("must be an email address").max(254).toLowerCase().meta({ example: "ada@example.com" });
const Name = PersonName(maxNameLength);
/** The password rules need more than a schema, see `passwords.ts`. */
const NewPassword = z.string().meta({ format: "password", example: "correct horse battery" });
/** The length is limited so that hashing stays cheap. */
const Password = z.string().min(1).max(1_000).meta({ format: "password", example: "correct horse battery" });

export const RegisterBody = z.object({
  username: Username,
  email: Email,
  password: NewPassword,
  first_name: Name.default(""),
  last_name: Name.default(""),
});
export type Registration = z.output<typeof RegisterBody>;

export const LoginBody = z.object({
  username: z.string().trim().min(1).max(254).meta({ description: "Username or email", example: "ada" }),
  password: Password,
});
export type SignIn = z.output<typeof LoginBody>;

export const ProfileBody = z.object({
  first_name: Name.optional(),
  last_name: Name.optional(),
  avatar_url: HttpsUrl.nullable().optional(),
});
export type ProfileChange = z.output<typeof ProfileBody>;

/** Older clients send camelCase. */
export const ChangePasswordBody = z
  .object({
    current_password: Password.optional(),
    new_password: Password.optional(),
    currentPassword: Password.optional(),
    newPassword: Password.optional(),
  })
  .transform((body) => ({
    current_password: body.current_password ?? body.currentPassword,
    new_password: body.new_password ?? body.newPassword,
  }))
  .pipe(z.object({ current_password: Password, new_password: Password }));

export const ForgotBody = z.object({ email: Email });
const EmailToken = z.string().min(1).max(500).meta({ description: "The token of the link in the mail" });
export const ResetBody = z.object({
  token: EmailToken,
  password: Password,
  revoke_api_keys: z.boolean().default(false).meta({ description: "Also revoke all API keys and minion tokens" }),
});
export const VerifyEmailBody = z.object({ token: EmailToken });

export const NewApiKeyBody = z.object({
  name: Label(80).min(1).meta({ example: "deploys" }),
  scopes: z
    .array(z.enum(permissions))
    .min(1)
    .refine((list) => new Set(list).size === list.length, "must not contain duplicates")
    .meta({ example: ["minions.read"] }),
  expires_at: FutureMoment.nullable().optional().meta({ description: "When the key expires. Default: never" }),
});
export type NewApiKey = z.output<typeof NewApiKeyBody>;

export const RolesBody = z.object({
  roles: z
    .array(z.enum(roles))
    .min(1)
    .refine((list) => new Set(list).size === list.length, "must not contain duplicates")
    .meta({ example: ["user", "admin"] }),
});
export const LeaveBody = z.object({
  password: Password.optional().meta({
    description: "Required if the account has a password",
    example: "correct horse battery",
  }),
});
export const BanBody = z.object({ reason: z.string().trim().min(1).max(500) });

export const UsersQuery = z.object({
  ...PageQuery,
  q: z.string().trim().min(1).max(100).optional().meta({ description: "Part of a username, name or email" }),
});
export const AuditQuery = z.object({
  ...PageQuery,
  user_id: IdParamValue.optional().meta({ description: "Only entries whose actor or subject is this user" }),
});

// ── replies ───────────────────────────────────────────────────────

const exampleMoment = new Date("2026-11-23T10:00:00Z");

const UserShape = z
  .object({
    id: Id,
    username: z.string().nullable(),
    email: z.string(),
    first_name: z.string(),
    last_name: z.string(),
    avatar_url: z.string().nullable(),
    subscription_status: z.string(),
    is_verified: z.boolean(),
    roles: z.array(z.enum(roles)),
    role_name: z.enum(roles).meta({ description: "The highest of the roles" }),
    permissions: z.array(z.enum(permissions)),
    created_at: Timestamp,
  })
  .meta({
    id: "User",
    examples: [
      {
        id: 7,
        username: "Ada",
        email: "ada@example.com",
        first_name: "Ada",
        last_name: "Lovelace",
        avatar_url: null,
        subscription_status: "free",
        is_verified: true,
        roles: ["user"],
        role_name: "user",
        permissions: ["minions.read", "chat.use", "account.read"],
        created_at: exampleMoment,
      },
    ],
  });

export const Done = z.object({ ...ok, message: z.string() });
export const SignedInReply = z.object({ ...ok, message: z.string(), token: z.string(), user: UserShape });
export const UserMessage = z.object({ ...ok, message: z.string(), user: UserShape });
export const UserReply = z.object({ ...ok, user: UserShape });
export const AuthHealth = z.object({
  ...ok,
  message: z.string(),
  status: z.literal("operational"),
  providers: z.array(z.string()).meta({ description: "Sign-in providers besides a password" }),
});

export const ExportReply = z.object({
  ...ok,
  generated_at: Timestamp,
  data: z
    .record(z.string(), z.array(z.record(z.string(), z.unknown())))
    .meta({ description: "Rows by collection: `user`, `sessions`, `notifications`, …" }),
});

const SessionShape = z
  .object({
    id: Id,
    device: z.string(),
    ip: z.string().nullable(),
    place: z.string().nullable(),
    last_seen_at: Timestamp,
    created_at: Timestamp,
    is_current: z.boolean(),
  })
  .meta({
    id: "Session",
    examples: [
      {
        id: 12,
        device: "Firefox on Linux",
        ip: "203.0.113.7",
        place: "Paris, FR",
        last_seen_at: exampleMoment,
        created_at: exampleMoment,
        is_current: true,
      },
    ],
  });
export const SessionList = z.object({ ...ok, sessions: z.array(SessionShape), total: z.int() });
export const RevokedReply = z.object({ ...ok, message: z.string(), revoked: z.int() });

const ApiKeyShape = z
  .object({
    id: Id,
    name: z.string(),
    prefix: z.string(),
    scopes: z.array(z.enum(permissions)),
    expires_at: Timestamp.nullable(),
    last_used_at: Timestamp.nullable(),
    created_at: Timestamp,
  })
  .meta({
    id: "ApiKey",
    examples: [
      {
        id: 3,
        name: "deploys",
        prefix: "sf_WDzPkC_",
        scopes: ["account.read"],
        expires_at: null,
        last_used_at: null,
        created_at: exampleMoment,
      },
    ],
  });
export const ApiKeyCreated = z.object({
  ...ok,
  api_key: ApiKeyShape,
  key: z.string().nullable().meta({ description: "Null in a replayed response (same Idempotency-Key)" }),
});
export const ApiKeysQuery = z.object(PageQuery);
export const ApiKeyList = z.object({ ...ok, api_keys: z.array(ApiKeyShape), total: z.int(), next_cursor: NextCursor });

const AdminUserShape = UserShape.omit({ permissions: true, role_name: true })
  .extend({ banned_at: Timestamp.nullable(), ban_reason: z.string().nullable() })
  .meta({ id: "AdminUser" });
export const AdminUserList = z.object({ ...ok, users: z.array(AdminUserShape), total: z.int(), next_cursor: NextCursor });
export const AdminUserReply = z.object({ ...ok, user: AdminUserShape });

const AuditEntry = z
  .object({
    id: Id,
    at: Timestamp,
    action: z.string(),
    actor: z.string(),
    actor_user_id: z.int().nullable(),
    subject_user_id: z.int().nullable(),
    details: z.record(z.string(), z.unknown()),
    ip_address: z.string().nullable(),
    request_id: z.string(),
  })
  .meta({
    id: "AuditEntry",
    examples: [
      {
        id: 41,
        at: exampleMoment,
        action: "user.banned",
        actor: "user:1",
        actor_user_id: 1,
        subject_user_id: 7,
        details: { reason: "spam" },
        ip_address: "203.0.113.7",
        request_id: "8f14e45f-ceea-467f-a8b1-a1c6d6a1c0de-1",
      },
    ],
  });
export const AuditList = z.object({ ...ok, entries: z.array(AuditEntry), total: z.int(), next_cursor: NextCursor });
