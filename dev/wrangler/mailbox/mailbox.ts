import { sha256Short } from "../../../src/kit/crypto/hash.ts";
import { AppError } from "../../../src/kit/errors.ts";
import type { Mail, Mailer } from "../../../src/kit/mail.ts";

/** A mail that was kept instead of sent, and when (ISO 8601, UTC). */
export type KeptMail = Mail & { sent_at: string };

export type Mailbox = Mailer & {
  /** The mails that are kept, newest first: all, or those to one address. */
  list(to?: string): Promise<KeptMail[]>;
};

const prefix = "mailbox:";
/** A day: as long as Resend remembers the key of a mail. */
const keptSeconds = 86_400;
/** How many values KV reads at once, at most. */
const readAtOnce = 100;

type Metadata = { sent_at: string };

/**
 * Keeps the newest mails in a KV namespace, for a day. Keys of mails mean what they mean to Resend. It counts on the
 * namespace being the simulated one of this machine, where a write is seen at once.
 * @param keptMails how many are kept, at most 1,000: what KV lists at once
 */
export function openMailbox(namespace: KVNamespace, keptMails = 500): Mailbox {
  const newestFirst = async (): Promise<string[]> => {
    const { keys } = await namespace.list<Metadata>({ prefix });
    const sentAt = ({ metadata }: { metadata?: Metadata }) => metadata?.sent_at ?? "";
    return keys.sort((a, b) => sentAt(b).localeCompare(sentAt(a))).map(({ name }) => name);
  };

  return {
    configured: true,

    async send(mail) {
      const name = prefix + (await sha256Short(new TextEncoder().encode(mail.key)));
      const known = await namespace.get<KeptMail>(name, "json");
      if (known !== null) {
        if (isSame(known, mail)) return;
        const cause = new Error(`The key ${mail.key} belongs to another mail: Resend would answer 409`);
        throw new AppError("mail_unavailable", "The mail service rejected the mail.", { cause });
      }
      const kept: KeptMail = { ...mail, sent_at: new Date().toISOString() };
      const metadata: Metadata = { sent_at: kept.sent_at };
      await namespace.put(name, JSON.stringify(kept), { expirationTtl: keptSeconds, metadata });
      await Promise.all((await newestFirst()).slice(keptMails).map((old) => namespace.delete(old)));
    },

    async list(to) {
      const names = await newestFirst();
      const mails: KeptMail[] = [];
      for (let start = 0; start < names.length; start += readAtOnce) {
        const found = await namespace.get<KeptMail>(names.slice(start, start + readAtOnce), "json");
        for (const mail of found.values()) if (mail !== null) mails.push(mail);
      }
      return to === undefined ? mails : mails.filter((mail) => mail.to.toLowerCase() === to.toLowerCase());
    },
  };
}

function isSame(a: Mail, b: Mail): boolean {
  return a.to === b.to && a.subject === b.subject && a.text === b.text && a.html === b.html;
}
