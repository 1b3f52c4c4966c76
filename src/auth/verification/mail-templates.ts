import type { Mail } from "../../kit/mail.ts";

type Recipient = { email: string; name: string };

/** The mail that asks a user to verify their email address. */
export function verificationMail({ email, name }: Recipient, url: string, key: string): Mail {
  return {
    to: email,
    subject: "Verify your email address",
    text: `Hello ${name},\n\nplease verify your email address with this link:\n\n${url}\n\nIf you did not create a Spiritforge account, ignore this mail.\n`,
    key,
  };
}

/** The mail with which a user resets their password. */
export function resetMail({ email, name }: Recipient, token: string, url: string, key: string): Mail {
  return {
    to: email,
    subject: "Reset your password",
    text: `Hello ${name},\n\na password reset was requested for your Spiritforge account. Choose a new password with this link within one hour:\n\n${url}\n\nor with this code: ${token}\n\nIf you did not request this, ignore this mail. Your password has not changed.\n`,
    key,
  };
}
