/** The provider ID of password accounts, as better-auth names it. */
export const passwordProvider = "credential";

/** The maximum age of a session, in minutes, for a user without a password who deletes the account. */
export const freshMinutes = 10;

/** The maximum number of API keys of a user. */
export const maxApiKeys = 50;

/** Maximum length of a name, in characters. */
export const maxNameLength = 80;

/** What a mailed link does. */
export const emailTokenPurposes = ["verify_email", "reset_password"] as const;
export type EmailTokenPurpose = (typeof emailTokenPurposes)[number];
