import * as z from "zod";
import { AppError } from "./kit/errors.ts";
import type { AnalyticsSink } from "./kit/event-log.ts";
import { log } from "./kit/log.ts";
import type { Mailer } from "./kit/mail.ts";

const seconds = z.coerce.number().int().min(1).max(86_400);

const origins = z
  .string()
  .transform((list) => list.split(/[\s,]+/).filter(Boolean))
  .pipe(
    z.array(z.url().refine((origin) => new URL(origin).origin === origin, "must be an origin, such as https://example.com")),
  );

const secret = z.string().min(32);

/** `version:secret` each; a secret without a version has version 1. The first one encrypts new data. */
export const KeySecrets = z
  .string()
  .transform((list) =>
    list
      .split(/\s+/)
      .filter(Boolean)
      .map((text) => {
        const [, version = "1", given = ""] = /^(?:(\d{1,6}):)?(.*)$/.exec(text) ?? [];
        return { version: Number(version), secret: given };
      }),
  )
  .pipe(
    z
      .array(z.object({ version: z.int().min(1), secret }))
      .min(1)
      .refine((all) => new Set(all.map(({ version }) => version)).size === all.length, "must not contain a version twice"),
  );

const words = z.string().transform((list) => list.split(/[\s,]+/).filter(Boolean));

const optionalUrl = z.union([z.literal(""), z.url({ protocol: /^https?$/ })]).default("");

const perMinute = z.int().min(1);

const printable = /^[!-~]*$/;
const sender = /^(?:[^\s<>@]+@[^\s<>@]+|[^<>\r\n]+ <[^\s<>@]+@[^\s<>@]+>)$/;

const Settings = z.object({
  ENVIRONMENT: z.enum(["development", "production"]),
  /** `postgres://user:password@host/database` */
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  /** Base URL of a replacement for Neon's SQL endpoint; empty on Neon. */
  NEON_PROXY: z.union([z.literal(""), z.url({ protocol: /^https?$/ })]).default(""),
  /** Signs the tokens in mails and the state of social sign-in. */
  AUTH_SECRET: secret,
  /** The secrets that wrap the data keys of users, current one first. */
  KEY_SECRETS: KeySecrets,
  /** URL of an Ollama server of the operator. All users see its models. Empty: none. */
  OLLAMA_URL: optionalUrl,
  /** URL of a server of the operator that embeds texts, as `npm run dev` starts one. Empty: none. */
  EMBEDDINGS_URL: optionalUrl,
  /** Private hosts that development may call, as `host` or `host:port`. */
  EGRESS_ALLOWED_HOSTS: words.default([]),
  /** DNS-over-HTTPS resolver that looks up host names of users before a call. Empty: no look-up. */
  DNS_RESOLVER_URL: optionalUrl,
  /** Hugging Face's dataset server, or a replacement. */
  HF_DATASETS_URL: z
    .url({ protocol: /^https?$/ })
    .transform((url) => url.replace(/\/+$/, ""))
    .default("https://datasets-server.huggingface.co"),
  /** URL where clients reach this Worker: the base of the links in mails. */
  PUBLIC_URL: z.url({ protocol: /^https?$/ }),
  /** Email address whose owner becomes a superuser after verification. Empty: none. */
  SUPERUSER_EMAIL: z.union([z.literal(""), z.email().toLowerCase()]).default(""),
  /** How long a revoked session or key can stay in a cache: in the memory of an isolate, and in KV (0 turns KV off; otherwise at least 60). */
  SESSION_MEMORY_SECONDS: z.coerce.number().int().min(0).max(60),
  SESSION_KV_SECONDS: z.union([z.literal("0").transform(Number), z.coerce.number().int().min(60).max(3_600)]),
  /** Social sign-in. A provider is enabled if both its values are set. */
  GITHUB_CLIENT_ID: z.string().default(""),
  GITHUB_CLIENT_SECRET: z.string().default(""),
  GOOGLE_CLIENT_ID: z.string().default(""),
  GOOGLE_CLIENT_SECRET: z.string().default(""),
  /** Origins whose pages may call the API, separated by spaces or commas. */
  CORS_ORIGINS: origins,
  CATALOG_FRESH_SECONDS: seconds,
  CATALOG_MAX_STALE_SECONDS: seconds,
  /** Requests per minute for each rate limit. The bindings must have the same numbers; see limits/policies.ts. */
  RATE_LIMITS: z.object({
    anonymous: perMinute,
    sign_in: perMinute,
    authenticated: perMinute,
    mutations: perMinute,
    expensive: perMinute,
  }),
  /** Empty: endpoints that send mail fail, and the rest works. */
  RESEND_API_KEY: z.string().regex(printable, "contains characters that are not allowed in a key").default(""),
  /** Sender of mails: `Name <address>`, or an address. */
  MAIL_FROM: z
    .union([z.literal(""), z.string().regex(sender, "must be an address, or a name with an address in angle brackets")])
    .default(""),
  /** Base URL of Resend's API, or of a replacement. */
  RESEND_URL: z
    .url({ protocol: /^https?$/ })
    .transform((url) => url.replace(/\/+$/, ""))
    .default("https://api.resend.com"),
});

/** `wrangler dev` takes ENVIRONMENT=development from .dev.vars. */
const ProductionSettings = Settings.refine(({ AUTH_SECRET }) => !AUTH_SECRET.startsWith("dev-"), {
  path: ["AUTH_SECRET"],
  message: "must not be a development value",
})
  .refine(({ KEY_SECRETS }) => KEY_SECRETS.every(({ secret: each }) => !each.startsWith("dev-")), {
    path: ["KEY_SECRETS"],
    message: "must not contain a development value",
  })
  .refine(({ EGRESS_ALLOWED_HOSTS }) => EGRESS_ALLOWED_HOSTS.length === 0, {
    path: ["EGRESS_ALLOWED_HOSTS"],
    message: "must be empty in production",
  })
  .refine(({ NEON_PROXY }) => NEON_PROXY === "", { path: ["NEON_PROXY"], message: "must be empty in production" })
  .refine(({ RESEND_API_KEY }) => !RESEND_API_KEY.startsWith("dev-"), {
    path: ["RESEND_API_KEY"],
    message: "must not be a development value",
  })
  .refine(({ DNS_RESOLVER_URL }) => !DNS_RESOLVER_URL.startsWith("http:"), {
    path: ["DNS_RESOLVER_URL"],
    message: "must be https",
  })
  .refine(({ RESEND_URL }) => RESEND_URL.startsWith("https:"), { path: ["RESEND_URL"], message: "must be https" });

/** Vars and secrets, parsed, joined to the bindings. */
export type Env = Omit<Cloudflare.Env, keyof z.output<typeof Settings> | "AI" | "ANALYTICS"> &
  z.output<typeof Settings> & {
    /** Workers AI: optional, and commented out in wrangler.toml, since `wrangler dev` asks for an account with it. */
    readonly AI?: Ai;
    /** Analytics Engine: optional, and commented out in wrangler.toml. */
    readonly ANALYTICS?: AnalyticsSink;
    /** Replaces Resend, if the caller of the Worker's handlers passes one. */
    readonly MAIL?: Mailer;
  };

function missingSettings(names: readonly string[]): string {
  const set = names.length === 1 ? `${names[0]} is not set` : `${names.join(", ")} are not set`;
  const put = names.map((name) => `\`npx wrangler secret put ${name}\``).join(", ");
  return `${set}: run \`npm run dev\`, which needs no settings, or fill in .dev.vars for \`npx wrangler dev\`, or run ${put} for a deployed Worker.`;
}

const parsed = new WeakMap<object, Env>();

/** The environment, if it is already parsed. */
export function parsedEnv(bindings: Cloudflare.Env): Env | undefined {
  return parsed.get(bindings);
}

/**
 * Parses the environment once in an isolate.
 * @throws misconfigured, with the names of missing settings. The log has the names of wrong settings and the reasons, never the values.
 */
export function parseEnv(bindings: Cloudflare.Env): Env {
  const known = parsedEnv(bindings);
  if (known !== undefined) return known;
  const settings = (bindings.ENVIRONMENT === "production" ? ProductionSettings : Settings).safeParse(bindings);
  if (!settings.success) {
    const { issues } = settings.error;
    const faults = issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    log("error", "The environment is misconfigured.", { faults });
    const missing = new Set(
      issues.map(({ path }) => String(path[0])).filter((name) => !bindings[name as keyof Cloudflare.Env]),
    );
    throw new AppError(
      "misconfigured",
      missing.size > 0 ? missingSettings([...missing]) : "The server is misconfigured. Its log names the wrong settings.",
    );
  }
  const env = { ...bindings, ...settings.data };
  parsed.set(bindings, env);
  return env;
}
