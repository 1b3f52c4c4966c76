import * as z from "zod";
import { AppError } from "./errors.ts";
import { handleJob, type Handler } from "./queue/handler.ts";
import { defineJob } from "./queue/outbox.ts";

/** One message to one person. */
const Mail = z.object({
  to: z.string(),
  subject: z.string(),
  text: z.string(),
  html: z.string().optional(),
  /** Idempotency key of 1–256 ASCII characters, such as `reset-password/42/1764000000`. A key is sent once in 24 hours. */
  key: z.string(),
});
export type Mail = z.output<typeof Mail>;

/** Sends a mail. Its text can contain a token that gives access to an account. */
export const sendMail = defineJob("send-mail", Mail, { isSecret: true });

export type Mailer = {
  /** Whether mail is configured, so that a caller can fail early. */
  readonly configured: boolean;
  /**
   * Sends the mail. A retry after a failure is safe.
   * @throws mail_unavailable
   */
  send(mail: Mail): Promise<void>;
};

export const mailJobs: readonly Handler<{ readonly mail: Mailer }>[] = [
  handleJob(sendMail, (ctx: { readonly mail: Mailer }, mail) => ctx.mail.send(mail)),
];

export type MailSettings = {
  /** Key of Resend's API; empty if there is none. */
  apiKey: string;
  /** `Name <address>` or an address, of a domain that Resend has verified; empty if there is none. */
  from: string;
  /** Base URL of Resend's API, without a slash at its end. */
  url: string;
  /** The `user-agent`: Resend returns 403 without one, and a Worker sends none by default. */
  userAgent: string;
  /** Timeout of a call to Resend, in milliseconds. */
  timeoutMs?: number;
};

/** The mailer of this configuration, over Resend's HTTP API (https://resend.com/docs/api-reference/emails/send-email). */
export function openMailer(settings: MailSettings): Mailer {
  const missing = [settings.apiKey === "" ? "RESEND_API_KEY" : "", settings.from === "" ? "MAIL_FROM" : ""].filter(Boolean);
  if (missing.length === 0) return { configured: true, send: (mail) => post(settings, mail) };
  return {
    configured: false,
    send: () => Promise.reject(unavailable("This server is not configured to send mail.", `${missing.join(" and ")} not set`)),
  };
}

async function post(
  { apiKey, from, url, userAgent, timeoutMs = 8_000 }: MailSettings,
  { key, ...message }: Mail,
): Promise<void> {
  let status: number;
  try {
    const reply = await fetch(`${url}/emails`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${apiKey}`,
        "content-type": "application/json",
        "idempotency-key": key,
        "user-agent": userAgent,
      },
      body: JSON.stringify({ from, ...message }),
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    status = reply.status;
    await reply.body?.cancel();
    if (reply.ok) return;
  } catch (error) {
    // Only the name: the message of a header error quotes the header.
    throw unavailable(
      "The mail service does not answer. Try again later.",
      `Resend: ${error instanceof Error ? error.name : "no answer"}`,
    );
  }
  throw unavailable("The mail service rejected the mail.", `Resend answered ${status}`);
}

/** The cause is for the log only. The response body of the vendor is in neither the log nor the reply. */
function unavailable(detail: string, cause: string): AppError {
  return new AppError("mail_unavailable", detail, { cause: new Error(cause) });
}
