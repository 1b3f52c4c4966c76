import type { Mail } from "../../kit/mail.ts";

type Recipient = { email: string; name: string };

/** Asks for proof that an address is its owner's. */
export function verificationMail({ email, name }: Recipient, url: string, key: string): Mail {
  return {
    to: email,
    subject: "Confirm your address",
    text: `Hello ${name},\n\nplease confirm that this is your address:\n\n${url}\n\nIf you did not make an account with us, ignore this mail.\n`,
    key,
  };
}

/** Lets the owner of an address choose a new password. */
export function resetMail({ email, name }: Recipient, token: string, url: string, key: string): Mail {
  return {
    to: email,
    subject: "Choose a new password",
    text: `Hello ${name},\n\nsomebody asked for a new password for your account. Choose it here, within an hour:\n\n${url}\n\nor with this code: ${token}\n\nIf it was not you, ignore this mail: nothing has changed.\n`,
    key,
  };
}
