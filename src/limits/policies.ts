import type { Env } from "../env.ts";

/** Names of policies, as they stand in the configuration and in `RateLimit-Policy`. */
export type PolicyName = keyof Env["RATE_LIMITS"];

export type Policy = {
  /** The rate-limit binding that counts; its numbers are those of `RATE_LIMITS`. */
  binding: "LIMIT_ANONYMOUS" | "LIMIT_SIGN_IN" | "LIMIT_AUTHENTICATED" | "LIMIT_MUTATIONS" | "LIMIT_EXPENSIVE";
  /** Whose requests are counted together: an address's, or a caller's, who is a user or an API key where known, else an address. */
  by: "address" | "caller";
};

/** Seconds that a policy counts over; the `period` of every rate-limit binding. */
export const windowSeconds = 60;

/** Every rate limit. How much each allows is configuration: `RATE_LIMITS` and the bindings in wrangler.toml. */
export const policies: Readonly<Record<PolicyName, Policy>> = {
  anonymous: { binding: "LIMIT_ANONYMOUS", by: "address" },
  sign_in: { binding: "LIMIT_SIGN_IN", by: "address" },
  authenticated: { binding: "LIMIT_AUTHENTICATED", by: "caller" },
  mutations: { binding: "LIMIT_MUTATIONS", by: "caller" },
  expensive: { binding: "LIMIT_EXPENSIVE", by: "caller" },
};
