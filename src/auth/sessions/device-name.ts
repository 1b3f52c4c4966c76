import { parse } from "bowser";

/** Makes a readable device name from a user agent: "Firefox on Linux". */
export function nameDevice(userAgent: string | null): string {
  if (userAgent === null || userAgent === "") return "Unknown device";
  const { browser, os } = parse(userAgent);
  if (browser.name === undefined || browser.name === "") return userAgent.split(/[\s/]/, 1)[0] ?? "Unknown device";
  return os.name === undefined ? browser.name : `${browser.name} on ${os.name}`;
}
