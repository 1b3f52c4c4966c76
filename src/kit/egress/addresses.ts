import { BlockList, isIP } from "node:net";

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
