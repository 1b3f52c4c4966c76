import * as z from "zod";

/** An Ollama server that answers. */
export interface Ollama {
  url: string;
  /** Names of its models. */
  models: string[];
}

const DEFAULT_PORT = "11434";
const TIMEOUT_MS = 1_000;

const Tags = z.object({ models: z.array(z.object({ name: z.string() })) });

/** Where Ollama listens: OLLAMA_HOST as Ollama itself reads it (`host`, `host:port` or a URL), else its usual address. */
export function ollamaAddress(host: string | undefined): string {
  const given = host?.trim() || "127.0.0.1";
  const [, scheme = "http", rest = ""] = /^(?:(https?):\/\/)?(.*)$/i.exec(given) ?? [];
  const [authority = ""] = rest.split("/");
  const named = authority.startsWith(":") ? `127.0.0.1${authority}` : authority;
  const url = URL.parse(`${scheme}://${named}`) ?? new URL(`http://127.0.0.1`);
  // A server that listens everywhere is reached on this machine.
  if (url.hostname === "0.0.0.0" || url.hostname === "[::]") url.hostname = "127.0.0.1";
  if (url.port === "" && !/:\d+$/.test(named) && !/^\w+:\/\//.test(given)) url.port = DEFAULT_PORT;
  return url.origin;
}

/** The Ollama server at an address; undefined if none answers there within a second. */
export async function findOllama(url: string): Promise<Ollama | undefined> {
  try {
    const reply = await fetch(`${url}/api/tags`, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: "error" });
    if (!reply.ok) return undefined;
    return { url, models: Tags.parse(await reply.json()).models.map(({ name }) => name) };
  } catch {
    return undefined;
  }
}

/** The vars of a Worker that may call the server. */
export function ollamaVars({ url }: Ollama): Record<string, string> {
  return { OLLAMA_URL: url, EGRESS_ALLOWED_HOSTS: new URL(url).host };
}
