import { LRUCache } from "lru-cache";
import * as z from "zod";
import { readText } from "../async/streams.ts";
import { isPublicAddress } from "./addresses.ts";
import { isPrivateName } from "./urls.ts";

export type Resolver = {
  /** A DNS-over-HTTPS resolver that answers in JSON, such as https://cloudflare-dns.com/dns-query */
  resolverUrl: string;
  fetch?: typeof fetch;
  signal?: AbortSignal;
  /** Timeout of the resolver, in milliseconds. A call waits for it. Default: 3,000. */
  timeoutMs?: number;
};

/**
 * What a host resolves to: `public` addresses alone; a `private` address, or an alias of a private name; `none`, no address at all;
 * or `unanswered`, because the resolver did not answer or answered with a failure.
 */
export type Resolution = "public" | "private" | "none" | "unanswered";

/** The longest time that an answer is cached, in milliseconds. The TTL of its records can shorten it. */
const maxCacheMs = 60_000;

/** Types of DNS records, by name. */
const recordTypes = { A: 1, CNAME: 5, AAAA: 28 } as const;

/** A DNS message has at most 64 KiB; its records are somewhat longer in JSON. */
const maxReplyBytes = 256 * 1024;

/** Response codes of DNS (RFC 1035): success, and a name that does not exist. */
const [noError, nameError] = [0, 3];

/** https://developers.cloudflare.com/1.1.1.1/encryption/dns-over-https/make-api-requests/dns-json/ */
const Reply = z.object({
  Status: z.int(),
  Answer: z.array(z.object({ type: z.int(), data: z.string(), TTL: z.number().min(0).optional() })).default([]),
});
type DnsRecord = z.output<typeof Reply>["Answer"][number];

const answers = new LRUCache<string, { resolution: Resolution; until: number }>({ max: 1_000 });

/**
 * Looks up the addresses of a host. One private address among public ones makes the host private. The owner of the name can change
 * the answer for the next look-up, so it is cached for a minute at most, and no longer than its records allow.
 */
export async function resolveHost(host: string, resolver: Resolver): Promise<Resolution> {
  const key = `${resolver.resolverUrl} ${host}`;
  const known = answers.get(key);
  if (known !== undefined && known.until > Date.now()) return known.resolution;
  const replies = await Promise.all((["A", "AAAA"] as const).map((type) => query(host, type, resolver)));
  const records = replies.flatMap((reply) => reply ?? []);
  const resolution = resolutionOf(records, replies.includes(undefined));
  if (resolution === "public" || resolution === "private") {
    const ttlMs = Math.min(...records.map(({ TTL }) => (TTL === undefined ? maxCacheMs : TTL * 1_000)));
    answers.set(key, { resolution, until: Date.now() + Math.min(ttlMs, maxCacheMs) });
  }
  return resolution;
}

function resolutionOf(records: readonly DnsRecord[], isIncomplete: boolean): Resolution {
  const addresses = records.filter(({ type }) => type === recordTypes.A || type === recordTypes.AAAA);
  const aliases = records.filter(({ type }) => type === recordTypes.CNAME);
  if (!addresses.every(({ data }) => isPublicAddress(data)) || aliases.some(({ data }) => isPrivateName(data)))
    return "private";
  if (isIncomplete) return "unanswered";
  return addresses.length === 0 ? "none" : "public";
}

/** The records of a reply; undefined if there is no usable reply. */
async function query(
  host: string,
  type: "A" | "AAAA",
  { resolverUrl, fetch: send = fetch, signal, timeoutMs = 3_000 }: Resolver,
): Promise<DnsRecord[] | undefined> {
  const url = new URL(resolverUrl);
  url.searchParams.set("name", host);
  url.searchParams.set("type", type);
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const reply = await send(url.href, {
      headers: { accept: "application/dns-json" },
      redirect: "manual",
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    });
    if (!reply.ok) {
      await reply.body?.cancel();
      return undefined;
    }
    const { Status, Answer } = Reply.parse(JSON.parse(await readText(reply.body, maxReplyBytes)));
    return Status === noError || Status === nameError ? Answer : undefined;
  } catch {
    return undefined;
  }
}
