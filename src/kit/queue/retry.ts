/** Maximum attempts of a job: one, and `max_retries` of wrangler.toml. */
export const maxAttempts = 12;

/** Consecutive attempts that may stop their consumer before the job is given up. */
export const maxLostAttempts = 2;

const maxDelaySeconds = 900;

/**
 * Seconds before the next attempt of a failed job: 2, doubling up to 15 minutes; more than half an hour in total.
 * @param wait the `Retry-After` of the failure, in seconds; at most 15 minutes of it are used
 */
export function retryDelaySeconds(attempts: number, wait = 0): number {
  return Math.min(Math.max(2 ** attempts, Math.ceil(wait)), maxDelaySeconds);
}
