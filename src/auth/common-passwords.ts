import { dictionary } from "@zxcvbn-ts/language-common";

/** The common passwords that are long enough to be chosen at all. Loaded only when somebody chooses one. */
const common = new Set(dictionary["passwords-common"].filter((password) => password.length >= 10));

/** @param lower a password in lower case */
export function isCommon(lower: string): boolean {
  return common.has(lower) || /^(.{1,4})\1+$/.test(lower);
}
