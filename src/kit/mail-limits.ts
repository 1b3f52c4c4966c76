import { eq, sql } from "drizzle-orm";
import { sha256Hex } from "./crypto/hash.ts";
import { assertAllInTransaction, type Statement } from "./db/commit.ts";
import { constraintOf } from "./db/errors.ts";
import { mailRecipients } from "./db/tables.ts";
import { sendMail, type Mail } from "./mail.ts";
import type { JobSender } from "./queue/message.ts";
import { enqueueJob } from "./queue/outbox.ts";

/** The limits of an address, over all accounts and kinds of mail: seconds between two mails, and mails on a UTC day. */
export const mailLimits = { cooldownSeconds: 60, perDay: 10 } as const;

const refusals = new Set(["mail_recipient_cooldown", "mail_recipient_daily_limit"]);

/** Whether a commit failed because the address had its mails. */
export function isMailLimit(error: unknown): boolean {
  return refusals.has(constraintOf(error) ?? "");
}

/**
 * The statements that count a mail of its recipient and enqueue it. The commit fails at the limits: see `isMailLimit`.
 * They lock the row of the recipient, so mails at the same time are all counted.
 */
export async function mailStatements(ctx: JobSender, mail: Mail, userId: number): Promise<[Statement, ...Statement[]]> {
  const address_hash = await sha256Hex(normalizeRecipient(mail.to));
  const ofRecipient = eq(mailRecipients.address_hash, address_hash);
  const today = sql`(now() at time zone 'utc')::date`;
  const { last_sent_at, day, sent } = mailRecipients;
  const sentToday = sql`case when ${day} = ${today} then ${sent} else 0 end`;
  const valueOf = (value: typeof sentToday) => sql`(select ${value} from ${mailRecipients} where ${ofRecipient})`;
  const isCool = sql`${sent} = 0 or ${last_sent_at} <= now() - make_interval(secs => ${mailLimits.cooldownSeconds})`;
  return [
    ctx.db
      .insert(mailRecipients)
      .values({ address_hash, day: today })
      .onConflictDoUpdate({ target: mailRecipients.address_hash, set: { address_hash } }),
    assertAllInTransaction(ctx.db, {
      mail_recipient_cooldown: valueOf(isCool),
      mail_recipient_daily_limit: sql`${valueOf(sentToday)} < ${mailLimits.perDay}`,
    }),
    ctx.db
      .update(mailRecipients)
      .set({ last_sent_at: sql`now()`, day: today, sent: sql`${sentToday} + 1` })
      .where(ofRecipient),
    enqueueJob(ctx, sendMail, mail, userId),
  ];
}

/** The statement that forgets recipients whose counts are over. */
export function forgetMailRecipients({ db }: Pick<JobSender, "db">): Statement {
  return db.delete(mailRecipients).where(sql`${mailRecipients.last_sent_at} < now() - interval '2 days'`);
}

const dotless = new Set(["gmail.com", "googlemail.com"]);

/**
 * One form of all spellings of an address that reach the same mailbox: without case, Unicode variants, the tag after a `+`, and the
 * dots that Gmail ignores.
 */
export function normalizeRecipient(address: string): string {
  const text = address.normalize("NFKC").trim().toLowerCase();
  const at = text.lastIndexOf("@");
  const domain = asciiDomain(text.slice(at + 1));
  const [user] = text.slice(0, Math.max(at, 0)).split("+", 1) as [string];
  return dotless.has(domain) ? `${user.replaceAll(".", "")}@gmail.com` : `${user}@${domain}`;
}

function asciiDomain(domain: string): string {
  const url = `http://${domain.replace(/\.$/, "")}`;
  return URL.canParse(url) ? new URL(url).hostname : domain;
}
