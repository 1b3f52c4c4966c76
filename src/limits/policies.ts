import type { Env } from "../env.ts";

/** The names of the policies in the configuration and in `RateLimit-Policy`. */
export type PolicyName = keyof Env["RATE_LIMITS"];

export type Policy = {
  /** The rate-limit binding that counts. Its limit equals the one in `RATE_LIMITS`. */
  binding: "LIMIT_ANONYMOUS" | "LIMIT_SIGN_IN" | "LIMIT_AUTHENTICATED" | "LIMIT_MUTATIONS" | "LIMIT_EXPENSIVE";
  /** The key of the count: the address, or the caller (a user, API key or minion, else the address). */
  by: "address" | "caller";
};

/** The window of every policy in seconds. It equals the `period` of every rate-limit binding. */
export const windowSeconds = 60;

/** All rate limits. Their numbers are configured in `RATE_LIMITS` and in the bindings of wrangler.toml. */
export const policies: Readonly<Record<PolicyName, Policy>> = {
  anonymous: { binding: "LIMIT_ANONYMOUS", by: "address" },
  sign_in: { binding: "LIMIT_SIGN_IN", by: "address" },
  authenticated: { binding: "LIMIT_AUTHENTICATED", by: "caller" },
  mutations: { binding: "LIMIT_MUTATIONS", by: "caller" },
  expensive: { binding: "LIMIT_EXPENSIVE", by: "caller" },
};
