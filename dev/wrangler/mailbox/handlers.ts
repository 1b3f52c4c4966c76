import { constantHeaders, jsonType } from "../../../src/http/headers.ts";
import { mailboxPage } from "./page.ts";
import { openMailbox } from "./mailbox.ts";

type Handlers = { fetch: ExportedHandlerFetchHandler<Cloudflare.Env> };
type Handler = (event: unknown, bindings: Cloudflare.Env, execution: ExecutionContext) => unknown;

const pagePath = "/dev/mailbox";
const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const thisMachine = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** The same bindings for the same bindings, always: the application remembers by identity what it made of them. */
const merged = new WeakMap<Cloudflare.Env, Cloudflare.Env>();

/** Without a key of Resend, mail goes to the mailbox. */
function bindingsWithMail(bindings: Cloudflare.Env): Cloudflare.Env {
  if (bindings.RESEND_API_KEY) return bindings;
  const known = merged.get(bindings);
  if (known !== undefined) return known;
  const withMail = { ...bindings, MAIL: openMailbox(bindings.CACHE) };
  merged.set(bindings, withMail);
  return withMail;
}

/** The handlers of a Worker, whose mail is kept in a mailbox that can be read at /dev/mailbox and /dev/mailbox.json. */
export function withMailbox<H extends Handlers>(handlers: H): H {
  const given = Object.entries(handlers as Record<string, Handler>).map(([event, handle]): [string, Handler] => [
    event,
    (input, bindings, execution) => handle(input, bindingsWithMail(bindings), execution),
  ]);
  const all = Object.fromEntries(given);
  const fetch: Handler = (request, bindings, execution) =>
    mailboxReply(request as Request, bindings) ?? all["fetch"]?.(request, bindings, execution);
  return { ...all, fetch } as unknown as H;
}

/**
 * The reply of the mailbox to a request for a host name of this machine; undefined for any other request. Mails hold links that take
 * over accounts, so a deployment with the wrong configuration must not show them.
 */
function mailboxReply(request: Request, bindings: Cloudflare.Env): Promise<Response> | undefined {
  const { hostname, pathname, searchParams } = new URL(request.url);
  const isJson = pathname === `${pagePath}.json`;
  if (!isJson && pathname !== pagePath) return undefined;
  if (!thisMachine.has(hostname) || (request.method !== "GET" && request.method !== "HEAD")) return undefined;
  return readMailbox(bindings, isJson, searchParams.get("to") ?? undefined);
}

async function readMailbox(bindings: Cloudflare.Env, isJson: boolean, to: string | undefined): Promise<Response> {
  const mails = await openMailbox(bindings.CACHE).list(to);
  const headers = { ...constantHeaders, "cache-control": "no-store" };
  if (isJson) {
    const body = JSON.stringify({ success: true, mails, total: mails.length });
    return new Response(body, { headers: { ...headers, "content-type": jsonType } });
  }
  return new Response(mailboxPage(mails), {
    headers: { ...headers, "content-security-policy": pagePolicy, "content-type": "text/html; charset=utf-8" },
  });
}
