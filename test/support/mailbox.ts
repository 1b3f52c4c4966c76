import { expect } from "vitest";
import type { KeptMail } from "../../dev/wrangler/mailbox/mailbox.ts";

type MailboxClient = { get(path: string): Promise<Response> };

/** The mails that the development mailbox has for an address, newest first. */
export async function mailsTo(api: MailboxClient, address: string): Promise<KeptMail[]> {
  const reply = await api.get(`/dev/mailbox.json?to=${encodeURIComponent(address)}`);
  const { mails } = await reply.json<{ mails: KeptMail[] }>();
  return mails;
}

/** The newest mail to an address, as soon as there are `count`: mail may be sent behind the reply. */
export async function newestMailTo(api: MailboxClient, address: string, count = 1): Promise<KeptMail> {
  await expect.poll(async () => (await mailsTo(api, address)).length).toBeGreaterThanOrEqual(count);
  return (await mailsTo(api, address))[0]!;
}
