/** Which hosts may be reached beyond, or less than, the public internet; each as `host`, for any port, or `host:port`. */
export type HostSettings = {
  /** What development may reach all the same, over http too and by its IP address: by default nothing. */
  allowedHosts?: readonly string[];
  /** Where this server itself is reached; what stands below such a host is ours too. */
  ownHosts?: readonly string[];
};

/** Ports of TLS on the web. Any other is a service that nobody meant to be spoken to from here. */
const ports = new Set(["", "8443"]);

const maxUrlLength = 2_048;

/**
 * Domains that are never public: special-use names (RFC 2606, 6761, 6762, 7686, 8375, 9476), `internal` and what else ICANN
 * leaves to private networks, and what clusters and routers are fond of.
 */
const privateDomains = [
  ..."localhost local localdomain internal intranet private corp home lan arpa test example invalid onion alt".split(" "),
  ..."svc cluster docker k8s consul".split(" "),
];

/** Public domains whose names resolve to the address that a caller spells in them, or to loopback. */
const addressDomains = [
  ..."nip.io sslip.io xip.io ip6.name backname.io local-ip.co local-ip.sh plex.direct traefik.me 1u.ms rbndr.us".split(" "),
  ..."localtest.me lvh.me vcap.me lacolhost.com localho.st local.gd lcl.host localhost.direct".split(" "),
];

/** First labels of the services that tell a machine of a cloud its own secrets. */
const metadataName = /^(?:metadata|instance-data)(?:\.|$)/;

const ipv4 = /^\d+\.\d+\.\d+\.\d+$/;
const spelledIpv4 = /(?:^|[.-])\d{1,3}(?:[.-]\d{1,3}){3}(?:[.-]|$)/;

/** Letters, digits and hyphens in every label, at least two labels, and a last one that is no number. */
const publicName = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})$/;

/**
 * What is wrong with a base URL that a user gives, in words that go after its name; undefined if nothing is. Beyond what each
 * call is held to, it must be written as it is read, since others may read the same text differently.
 */
export function urlError(text: string, settings: HostSettings): string | undefined {
  if (text.length > maxUrlLength) return `must be at most ${maxUrlLength} characters`;
  if (!/^[!-[\]-~]+$/.test(text)) return "must be plain ASCII, without spaces or backslashes";
  if (!URL.canParse(text)) return "is not a URL";
  const url = new URL(text);
  const fault = targetError(url, settings);
  if (fault !== undefined) return fault;
  const written = /^https?:\/\/([^/?#]*)/i.exec(text)?.[1]?.toLowerCase();
  if (written !== url.host && written !== hostWithPort(url)) return "must have a plain host name, as in https://example.com/v1";
  return /[?#]/.test(text) ? "must not have a query or fragment" : undefined;
}

/** What is wrong with a URL that is about to be called; undefined if nothing is. */
export function targetError(url: URL, settings: HostSettings): string | undefined {
  const { ownHosts = [] } = settings;
  if (url.username !== "" || url.password !== "") return "must not contain a username or password";
  if (ownHosts.some((host) => names(host, url) || isBelow(host, url.hostname))) return "must not point to this server";
  if (isAllowed(url, settings)) return undefined;
  if (url.protocol !== "https:") return "must begin with https://";
  return faultOfHost(url.hostname) ?? (ports.has(url.port) ? undefined : "must use port 443 or 8443");
}

/** Whether a URL leads to a host that the configuration allows, whatever it is. */
export function isAllowed(url: URL, { allowedHosts = [] }: HostSettings): boolean {
  return /^https?:$/.test(url.protocol) && allowedHosts.some((host) => names(host, url));
}

/** What is wrong with a host name, as the URL parser gives it: an IP address has one spelling there, whatever was written. */
function faultOfHost(hostname: string): string | undefined {
  if (hostname.startsWith("[") || ipv4.test(hostname)) return "must use a host name, not an IP address";
  if (!publicName.test(hostname) || metadataName.test(hostname) || isAtOrBelow(privateDomains, hostname)) {
    return "must name a host on the public internet";
  }
  const isAddress = spelledIpv4.test(hostname) || isAtOrBelow(addressDomains, hostname);
  return isAddress ? "must not contain an IP address in its host name" : undefined;
}

function hostWithPort(url: URL): string {
  return `${url.hostname}:${url.port || (url.protocol === "http:" ? "80" : "443")}`;
}

/** Whether a host of the settings is the one of a URL. */
function names(host: string, url: URL): boolean {
  const known = host.toLowerCase();
  return known === url.hostname || known === hostWithPort(url);
}

const isBelow = (domain: string, hostname: string) => hostname.endsWith(`.${domain.toLowerCase()}`);

function isAtOrBelow(domains: readonly string[], hostname: string): boolean {
  return domains.some((domain) => hostname === domain || isBelow(domain, hostname));
}
