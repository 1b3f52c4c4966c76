import { dictionary } from "@zxcvbn-ts/language-common";

/** Common passwords with at least the minimum length. This module is loaded only when a user sets a password. */
const common = new Set(dictionary["passwords-common"].filter((password) => password.length >= 10));

/** @param lower a password in lower case */
export function isCommon(lower: string): boolean {
  return common.has(lower) || /^(.{1,4})\1+$/.test(lower);
}
