import * as z from "zod";
import { AppError } from "./kit/errors.ts";
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

/** `version:secret`, or a secret alone, which is version 1; the first is what is encrypted under from now on. */
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
      .refine((all) => new Set(all.map(({ version }) => version)).size === all.length, "names a version twice"),
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
  /** Base URL of a stand-in for Neon's SQL endpoint; empty on Neon. */
  NEON_PROXY: z.union([z.literal(""), z.url({ protocol: /^https?$/ })]).default(""),
  /** Signs the proofs that go by mail and the states of social sign-in. */
  AUTH_SECRET: secret,
  /** What the data keys of users are wrapped under, the current one first. */
  KEY_SECRETS: KeySecrets,
  /** An Ollama server of the operator, whose models are listed to everybody; empty for none. */
  OLLAMA_URL: optionalUrl,
  /** Hosts that development may call though they are not public, as `host` or `host:port`. */
  EGRESS_ALLOWED_HOSTS: words.default([]),
  /** DNS over HTTPS, by which names that users give are looked up before they are called; empty leaves that out. */
  DNS_RESOLVER_URL: z.union([z.literal(""), z.url({ protocol: /^https$/ })]).default(""),
  /** Hugging Face's dataset server, or what stands in for it. */
  HF_DATASETS_URL: z
    .url({ protocol: /^https?$/ })
    .transform((url) => url.replace(/\/+$/, ""))
    .default("https://datasets-server.huggingface.co"),
  /** Where clients reach this Worker: the base of the links in mails. */
  PUBLIC_URL: z.url({ protocol: /^https?$/ }),
  /** The address whose owner is a superuser once it is proven; empty for none. */
  SUPERUSER_EMAIL: z.union([z.literal(""), z.email().toLowerCase()]).default(""),
  /** How long a session or key that was revoked elsewhere may still be believed: in an isolate's memory, and in KV (0 leaves KV out; else KV takes 60 at least). */
  SESSION_MEMORY_SECONDS: z.coerce.number().int().min(0).max(60),
  SESSION_KV_SECONDS: z.union([z.literal("0").transform(Number), z.coerce.number().int().min(60).max(3_600)]),
  /** Sign-in by way of others: each is there when both its values are. */
  GITHUB_CLIENT_ID: z.string().default(""),
  GITHUB_CLIENT_SECRET: z.string().default(""),
  GOOGLE_CLIENT_ID: z.string().default(""),
  GOOGLE_CLIENT_SECRET: z.string().default(""),
  /** Origins whose pages may call us, separated by spaces or commas. */
  CORS_ORIGINS: origins,
  CATALOG_FRESH_SECONDS: seconds,
  CATALOG_MAX_STALE_SECONDS: seconds,
  /** Requests a minute by rate limit; what limits/policies.ts makes of them is counted by the bindings, with the same numbers. */
  RATE_LIMITS: z.object({
    anonymous: perMinute,
    sign_in: perMinute,
    authenticated: perMinute,
    mutations: perMinute,
    expensive: perMinute,
  }),
  /** Without it, what needs mail says so, and the rest works. */
  RESEND_API_KEY: z.string().regex(printable, "has characters that no key has").default(""),
  /** `Name <address>`, or an address: whom our mail is from. */
  MAIL_FROM: z.union([z.literal(""), z.string().regex(sender, "must be an address, or a name and an <address>")]).default(""),
  /** Base URL of Resend's API, or of what stands in for it. */
  RESEND_URL: z
    .url({ protocol: /^https?$/ })
    .transform((url) => url.replace(/\/+$/, ""))
    .default("https://api.resend.com"),
});

/** `wrangler dev` takes ENVIRONMENT=development from .dev.vars. */
const ProductionSettings = Settings.refine(({ AUTH_SECRET }) => !AUTH_SECRET.startsWith("dev-"), {
  path: ["AUTH_SECRET"],
  message: "is a development value",
})
  .refine(({ KEY_SECRETS }) => KEY_SECRETS.every(({ secret: each }) => !each.startsWith("dev-")), {
    path: ["KEY_SECRETS"],
    message: "has a development value",
  })
  .refine(({ EGRESS_ALLOWED_HOSTS }) => EGRESS_ALLOWED_HOSTS.length === 0, {
    path: ["EGRESS_ALLOWED_HOSTS"],
    message: "is for development",
  })
  .refine(({ NEON_PROXY }) => NEON_PROXY === "", { path: ["NEON_PROXY"], message: "is for development" })
  .refine(({ RESEND_API_KEY }) => !RESEND_API_KEY.startsWith("dev-"), {
    path: ["RESEND_API_KEY"],
    message: "is a development value",
  })
  .refine(({ RESEND_URL }) => RESEND_URL.startsWith("https:"), { path: ["RESEND_URL"], message: "must be https" });

/** Vars and secrets, parsed, joined to the bindings. */
export type Env = Omit<Cloudflare.Env, keyof z.output<typeof Settings> | "AI"> &
  z.output<typeof Settings> & {
    /** Workers AI: optional, and commented out in wrangler.toml, since `wrangler dev` asks for an account with it. */
    readonly AI?: Ai;
    /** Takes the mail instead of Resend, if whoever called the Worker's handlers gave one. */
    readonly MAIL?: Mailer;
  };

function missingSettings(names: readonly string[]): string {
  const set = names.length === 1 ? `${names[0]} is not set` : `${names.join(", ")} are not set`;
  const put = names.map((name) => `\`npx wrangler secret put ${name}\``).join(", ");
  return `${set}: run \`npm run dev\`, which needs no settings, or fill in .dev.vars for \`npx wrangler dev\`, or run ${put} for a deployed Worker.`;
}

const parsed = new WeakMap<object, Env>();

/** The environment, if it was parsed before. */
export function parsedEnv(bindings: Cloudflare.Env): Env | undefined {
  return parsed.get(bindings);
}

/**
 * Parses the environment once in an isolate.
 * @throws misconfigured, with the names of missing settings; the log says which settings are wrong and why, never their values.
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
      missing.size > 0 ? missingSettings([...missing]) : "The server is misconfigured; its log says which settings are wrong.",
    );
  }
  const env = { ...bindings, ...settings.data };
  parsed.set(bindings, env);
  return env;
}
