/** Exceptions to the rule that only public hosts may be called: each as `host`, for any port, or `host:port`. */
export type HostSettings = {
  /** Hosts that are allowed in development, also over http and by IP address. Default: none. */
  allowedHosts?: readonly string[];
  /** The hosts of this server. Their subdomains are refused too. */
  ownHosts?: readonly string[];
};

/** Ports of HTTPS. Other ports can belong to internal services. */
const ports = new Set(["", "8443"]);

const maxUrlLength = 2_048;

/**
 * Domains that are never public: special-use names (RFC 2606, 6761, 6762, 7686, 8375, 9476), `internal` and what else ICANN
 * reserves for private networks, and names that clusters and routers use.
 */
const privateDomains = [
  ..."localhost local localdomain internal intranet private corp home lan arpa test example invalid onion alt".split(" "),
  ..."svc cluster docker k8s consul".split(" "),
];

/** Public domains whose names resolve to the IP address in the name, or to loopback. */
const addressDomains = [
  ..."nip.io sslip.io xip.io ip6.name backname.io local-ip.co local-ip.sh plex.direct traefik.me 1u.ms rbndr.us".split(" "),
  ..."localtest.me lvh.me vcap.me lacolhost.com localho.st local.gd lcl.host localhost.direct".split(" "),
];

/** First labels of cloud metadata services, which return secrets of a machine. */
const metadataName = /^(?:metadata|instance-data)(?:\.|$)/;

const ipv4 = /^\d+\.\d+\.\d+\.\d+$/;
const spelledIpv4 = /(?:^|[.-])\d{1,3}(?:[.-]\d{1,3}){3}(?:[.-]|$)/;

/** Letters, digits and hyphens in every label, at least two labels, and a last label that is not a number. */
const publicName = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})$/;

/**
 * The fault of a base URL from a user, as a text that follows its name; undefined if it is valid. In addition to the checks of each
 * call, it must be in canonical form, because other parsers can read another form differently.
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

/** The fault of a URL before a call; undefined if it is valid. */
export function targetError(url: URL, settings: HostSettings): string | undefined {
  const { ownHosts = [] } = settings;
  if (url.username !== "" || url.password !== "") return "must not contain a username or password";
  if (ownHosts.some((host) => names(host, url) || isBelow(host, url.hostname))) return "must not point to this server";
  if (isAllowed(url, settings)) return undefined;
  if (url.protocol !== "https:") return "must begin with https://";
  return faultOfHost(url.hostname) ?? (ports.has(url.port) ? undefined : "must use port 443 or 8443");
}

/** Whether the configuration allows the host of a URL. */
export function isAllowed(url: URL, { allowedHosts = [] }: HostSettings): boolean {
  return /^https?:$/.test(url.protocol) && allowedHosts.some((host) => names(host, url));
}

/** The fault of a host name from the URL parser, which normalizes IP addresses; undefined if it is valid. */
function faultOfHost(hostname: string): string | undefined {
  if (hostname.startsWith("[") || ipv4.test(hostname)) return "must use a host name, not an IP address";
  if (!publicName.test(hostname) || isPrivateName(hostname)) {
    return "must name a host on the public internet";
  }
  const isAddress = spelledIpv4.test(hostname) || isAtOrBelow(addressDomains, hostname);
  return isAddress ? "must not contain an IP address in its host name" : undefined;
}

/** Whether a name is reserved for private networks or for metadata services. The name may have a trailing dot. */
export function isPrivateName(name: string): boolean {
  const bare = name.toLowerCase().replace(/\.$/, "");
  return metadataName.test(bare) || isAtOrBelow(privateDomains, bare);
}

function hostWithPort(url: URL): string {
  return `${url.hostname}:${url.port || (url.protocol === "http:" ? "80" : "443")}`;
}

/** Whether a host of the settings matches a URL. */
function names(host: string, url: URL): boolean {
  const known = host.toLowerCase();
  return known === url.hostname || known === hostWithPort(url);
}

const isBelow = (domain: string, hostname: string) => hostname.endsWith(`.${domain.toLowerCase()}`);

function isAtOrBelow(domains: readonly string[], hostname: string): boolean {
  return domains.some((domain) => hostname === domain || isBelow(domain, hostname));
}
