/** The longest wait that is believed, in seconds: one day. */
const maxWaitSeconds = 86_400;

/** Seconds to wait, from 0 to one day; null for a value that is no number. */
export function boundedWait(seconds: number): number | null {
  return Number.isFinite(seconds) ? Math.min(Math.max(0, seconds), maxWaitSeconds) : null;
}

/** The seconds of a `Retry-After` header (RFC 9110), which is a number or a date, from 0 to one day; null if it is invalid. */
export function secondsToWait(value: string | null | undefined): number | null {
  if (value === null || value === undefined || value.trim() === "") return null;
  const seconds = Number.isFinite(Number(value)) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return boundedWait(seconds);
}
