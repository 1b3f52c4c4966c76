import type { Mail } from "../../kit/mail.ts";

/**
 * The mails of accounts. A stranger can register with the address of somebody else, so a mail contains nothing that a user wrote: no
 * name in the greeting, and a constant subject.
 */

/** The mail that asks for a proof of the address. */
export function verificationMail(to: string, url: string, key: string): Mail {
  return {
    to,
    subject: "Verify your email address",
    text: `Hello,\n\na Spiritforge account was created with this email address. If it is yours, open this link within 24 hours and confirm:\n\n${url}\n\nIf you did not create a Spiritforge account, ignore this mail.\n`,
    key,
  };
}

/** The mail with which a user resets their password. */
export function resetMail(to: string, token: string, url: string, key: string): Mail {
  return {
    to,
    subject: "Reset your password",
    text: `Hello,\n\na password reset was requested for your Spiritforge account. Choose a new password with this link within one hour:\n\n${url}\n\nor with this code: ${token}\n\nIf you did not request this, ignore this mail. Your password has not changed.\n`,
    key,
  };
}
