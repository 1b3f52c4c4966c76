import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listen } from "../../dev/listen.ts";

/** What a fake website answers for a path. A page with an `etag` answers conditional requests. */
type Answer = { status?: number; body?: string | Uint8Array; headers?: Record<string, string> };
export type FakePage = string | Answer | ((request: IncomingMessage, response: ServerResponse) => void);

export type FakeWebsite = {
  /** `127.0.0.1:<port>` */
  host: string;
  origin: string;
  /** The answers by path and query. Other paths answer 404. */
  pages: Record<string, FakePage>;
  /** The requests so far: their paths and headers. */
  requests: { path: string; headers: IncomingMessage["headers"] }[];
  /** The paths of the requests so far, and forgets them. */
  takePaths(): string[];
  close(): Promise<void>;
};

/** A website on this machine. */
export async function startFakeWebsite(): Promise<FakeWebsite> {
  const requests: FakeWebsite["requests"] = [];
  const site: Pick<FakeWebsite, "pages"> = { pages: {} };
  const server = createServer((request, response) => {
    const path = request.url ?? "/";
    requests.push({ path, headers: request.headers });
    const page = Object.hasOwn(site.pages, path) ? site.pages[path]! : { status: 404 };
    if (typeof page === "function") page(request, response);
    else answer(request, response, typeof page === "string" ? { body: page } : page);
  });
  const { host, close } = await listen(server);
  return Object.assign(site, {
    host,
    origin: `http://${host}`,
    requests,
    takePaths: () => requests.splice(0).map(({ path }) => path),
    close,
  });
}

function answer(request: IncomingMessage, response: ServerResponse, { status = 200, body = "", headers = {} }: Answer): void {
  const isKnown = headers["etag"] !== undefined && request.headers["if-none-match"] === headers["etag"];
  if (isKnown) return void response.writeHead(304, headers).end();
  response.writeHead(status, { "content-type": "text/html; charset=utf-8", ...headers }).end(body);
}

/** An HTML page with a title and sentences. */
export function htmlPage(title: string, text: string, head = ""): string {
  return `<!doctype html><html><head><title>${title}</title>${head}</head><body><nav>Home About</nav><main><h1>${title}</h1><p>${text}</p></main></body></html>`;
}

/** An XML sitemap of these URLs. */
export function xmlSitemap(urls: readonly string[]): string {
  const entries = urls.map((url) => `<url><loc>${url.replaceAll("&", "&amp;")}</loc></url>`).join("\n");
  return `<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${entries}</urlset>`;
}

/** An XML index of these sitemaps. */
export function sitemapIndex(urls: readonly string[]): string {
  return `<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${urls.map((url) => `<sitemap><loc>${url}</loc></sitemap>`).join("")}</sitemapindex>`;
}
