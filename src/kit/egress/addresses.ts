import { LRUCache } from "lru-cache";
import { BlockList, isIP } from "node:net";
import * as z from "zod";

/**
 * Special-purpose IPv4 addresses (RFC 6890 and IANA's registry after it), multicast, and the one public address that is private
 * to each machine of Azure.
 */
const specialIpv4 = [
  ..."0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24".split(" "),
  ..."192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15".split(" "),
  ..."198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 168.63.129.16/32".split(" "),
];

/** The reserved blocks in global unicast (RFC 4291), 2000::/3. */
const specialIpv6 = "2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20".split(" ");

let special: BlockList | undefined;
let globalUnicast: BlockList | undefined;

function listOf(subnets: readonly string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address = "", bits] = subnet.split("/");
    list.addSubnet(address, Number(bits), isIP(address) === 4 ? "ipv4" : "ipv6");
  }
  return list;
}

/** Whether a text is a public IP address. IPv6 addresses that contain an IPv4 address are not public. */
export function isPublicAddress(text: string): boolean {
  const version = isIP(text);
  if (version === 0 || text.includes("%")) return false;
  special ??= listOf([...specialIpv4, ...specialIpv6]);
  if (version === 4) return !special.check(text, "ipv4");
  globalUnicast ??= listOf(["2000::/3"]);
  return globalUnicast.check(text, "ipv6") && !special.check(text, "ipv6");
}

export type Resolver = {
  /** A DNS-over-HTTPS resolver that answers in JSON, such as https://cloudflare-dns.com/dns-query */
  resolverUrl: string;
  fetch?: typeof fetch;
};

/** Timeout of the resolver, in milliseconds. A call waits for it. */
const resolverTimeoutMs = 1_000;

/** How long an answer is cached, in milliseconds. */
const answerTtlMs = 60_000;

/** Types of DNS records with addresses, by name. */
const recordTypes = { A: 1, AAAA: 28 } as const;

/** https://developers.cloudflare.com/1.1.1.1/encryption/dns-over-https/make-api-requests/dns-json/ */
const Answers = z.object({ Answer: z.array(z.object({ type: z.int(), data: z.string() })).optional() });

const answers = new LRUCache<string, { isPublic: boolean; until: number }>({ max: 1_000 });

/**
 * Whether all addresses of a host are public. A host that the resolver does not know, or does not answer for within a second, counts
 * as public. Best effort: the owner of the name can change the answer for the next look-up.
 */
export async function resolvesToPublicAddress(host: string, resolver: Resolver): Promise<boolean> {
  const key = `${resolver.resolverUrl} ${host}`;
  const known = answers.get(key);
  if (known !== undefined && known.until > Date.now()) return known.isPublic;
  const types = Object.keys(recordTypes) as (keyof typeof recordTypes)[];
  const addresses = await Promise.all(types.map((type) => addressesOf(host, type, resolver)));
  const isPublic = addresses.flat().every(isPublicAddress);
  answers.set(key, { isPublic, until: Date.now() + answerTtlMs });
  return isPublic;
}

async function addressesOf(host: string, type: keyof typeof recordTypes, resolver: Resolver): Promise<string[]> {
  const url = new URL(resolver.resolverUrl);
  url.searchParams.set("name", host);
  url.searchParams.set("type", type);
  try {
    const reply = await (resolver.fetch ?? fetch)(url.href, {
      headers: { accept: "application/dns-json" },
      redirect: "manual",
      signal: AbortSignal.timeout(resolverTimeoutMs),
    });
    const { Answer = [] } = Answers.parse(await reply.json());
    return Answer.filter((record) => record.type === recordTypes[type]).map(({ data }) => data);
  } catch {
    return [];
  }
}
