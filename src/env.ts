import * as z from "zod";
import { AppError } from "./kit/errors.ts";
import { log } from "./kit/log.ts";

const seconds = z.coerce.number().int().min(1).max(86_400);

const origins = z
  .string()
  .transform((list) => list.split(/[\s,]+/).filter(Boolean))
  .pipe(
    z.array(z.url().refine((origin) => new URL(origin).origin === origin, "must be an origin, such as https://example.com")),
  );

const secret = z.string().min(32);

const Settings = z.object({
  ENVIRONMENT: z.enum(["development", "production"]),
  /** `postgres://user:password@host/database` */
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  /** Base URL of a stand-in for Neon's SQL endpoint; empty on Neon. */
  NEON_PROXY: z.union([z.literal(""), z.url({ protocol: /^https?$/ })]).default(""),
  ADMIN_SECRET: secret,
  /** Origins whose pages may call us, separated by spaces or commas. */
  CORS_ORIGINS: origins,
  CATALOG_FRESH_SECONDS: seconds,
  CATALOG_MAX_STALE_SECONDS: seconds,
});

const ProductionSettings = Settings.refine(({ ADMIN_SECRET }) => !ADMIN_SECRET.startsWith("dev-"), {
  path: ["ADMIN_SECRET"],
  message: "is a development value",
}).refine(({ NEON_PROXY }) => NEON_PROXY === "", { path: ["NEON_PROXY"], message: "is for development" });

/** Vars and secrets, parsed, joined to the bindings. */
export type Env = Omit<Cloudflare.Env, keyof z.output<typeof Settings>> & z.output<typeof Settings>;

const parsed = new WeakMap<object, Env>();

/** The environment, if it was parsed before. */
export function parsedEnv(bindings: Cloudflare.Env): Env | undefined {
  return parsed.get(bindings);
}

/**
 * Parses the environment once in an isolate.
 * @throws misconfigured; the log says which settings are wrong and why, never their values.
 */
export function parseEnv(bindings: Cloudflare.Env): Env {
  const known = parsedEnv(bindings);
  if (known !== undefined) return known;
  const settings = (bindings.ENVIRONMENT === "production" ? ProductionSettings : Settings).safeParse(bindings);
  if (!settings.success) {
    const faults = settings.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    log("error", "The environment is misconfigured.", { faults });
    throw new AppError("misconfigured", "The server is misconfigured; its log says which settings are wrong.");
  }
  const env = { ...bindings, ...settings.data };
  parsed.set(bindings, env);
  return env;
}
