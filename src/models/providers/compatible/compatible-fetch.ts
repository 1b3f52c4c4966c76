import type { Quirks } from "../../constants.ts";
import { contextOverflowIn } from "../../vendor-errors/context-overflow.ts";
import { readVendorError } from "../../vendor-errors/read-error.ts";
import { adaptRequest } from "./adapt-request.ts";
import { readRefusal, type Refused } from "./read-refusal.ts";
import { isObject, parsed, repairCompletion, sortEmbeddings, type JsonObject } from "./repair-reply.ts";
import { repairUsage } from "./repair-usage.ts";
import { rewriteEvents } from "./rewrite-events.ts";

export type CompatibleOptions = {
  /** The base URL of the requests, without a slash at its end. */
  baseURL: string;
  /** The path that the base URL may lack, such as `/v1`. */
  versionPath: string;
  /** Whether deltas that arrive together are joined. */
  joins: boolean;
  /** What is known about the server. */
  quirks: Quirks;
  /** Receives what was found, once the server accepted a request that was adapted to it. */
  onQuirks?: ((found: Quirks) => void) | undefined;
};

/** The maximum number of adapted attempts of one request. */
const maxAttempts = 6;

/**
 * Wraps `fetch` so that an SDK can call any server that is nearly compatible with its vendor. A request that the server refuses because
 * of one of the known quirks is sent again without it, and replies are repaired. A request without a quirk is sent once, unchanged.
 */
export function compatibleFetch(send: typeof fetch, options: CompatibleOptions): typeof fetch {
  let known: Quirks = { ...options.quirks };
  return async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    const text = typeof init?.body === "string" ? init.body : undefined;
    const isChat = new URL(url).pathname.endsWith("/chat/completions");
    const wantsStream = (text !== undefined && /"stream"\s*:\s*true/.test(text)) || /:streamGenerateContent\b/.test(url);
    let found: Quirks = {};
    const report = (more: Quirks = {}) => {
      found = { ...found, ...more };
      if (Object.keys(found).length === 0) return;
      known = { ...known, ...found };
      options.onQuirks?.(found);
      found = {};
    };
    for (let attempt = 1; ; attempt += 1) {
      const quirks = { ...known, ...found };
      const body = text !== undefined && isChanged(text, quirks) ? adaptedBody(text, quirks) : text;
      const sent = body === undefined ? init : { ...init, body };
      const reply = await send(addressOf(url, options.baseURL, quirks), sent);
      const response = body === undefined ? reply : await failureIn(reply);
      if (response.ok) {
        report();
        return repairedReply(response, {
          isChat,
          wantsStream,
          joins: options.joins,
          url,
          onWhole: () => report({ stream: false }),
        });
      }
      if (attempt === maxAttempts || response.body === null) return response;
      const words = await response.text();
      const sentBody = body === undefined ? undefined : parsed(body);
      const refused = { status: response.status, text: words, body: isObject(sentBody) ? sentBody : {}, quirks: known, found };
      const more = missingPath(refused, url, options) ?? (isObject(sentBody) ? readRefusal(refused) : undefined);
      if (more === undefined) {
        const limit = contextOverflowIn(readVendorError(words))?.limit;
        const isLearned = limit != null && limit !== quirks.context_length && !isEmbedding(url);
        if (isLearned) report({ context_length: limit });
        return copyOf(response, words);
      }
      found = { ...found, ...more };
    }
  };
}

const outsideBody: ReadonlySet<string> = new Set(["path_prefix", "context_length", "max_embedding_batch"]);

/** Whether a body may need changes. Most do not, and are sent without being parsed. */
function isChanged(text: string, quirks: Quirks): boolean {
  return Object.keys(quirks).some((name) => !outsideBody.has(name)) || text.includes('"reasoning_content"');
}

function adaptedBody(text: string, quirks: Quirks): string {
  const body = parsed(text);
  if (!isObject(body)) return text;
  adaptRequest(body, quirks);
  return JSON.stringify(body);
}

function addressOf(url: string, baseURL: string, { path_prefix }: Quirks): string {
  return path_prefix === undefined || !url.startsWith(baseURL) ? url : `${baseURL}${path_prefix}${url.slice(baseURL.length)}`;
}

/** The version that a base URL lacks, if the server has nothing at this address. */
function missingPath(
  { status, text, quirks, found }: Refused,
  url: string,
  { baseURL, versionPath }: CompatibleOptions,
): Quirks | undefined {
  const { pathname } = new URL(baseURL);
  const hasVersion =
    /\/v\d/.test(new URL(url).pathname) || { ...quirks, ...found }.path_prefix !== undefined || !url.startsWith(baseURL);
  if (hasVersion || ![404, 405].includes(status)) return undefined;
  const error = parsed(text);
  // The server knows this address, but not the model.
  if (isObject(error) && /\bmodel\b/i.test(readVendorError(text).words)) return undefined;
  return { path_prefix: pathname === "/" ? versionPath : `/${versionPath.split("/").at(-1)!}` };
}

/** A response of its own status for an error that a server sends with the status 200. */
async function failureIn(response: Response): Promise<Response> {
  if (!response.ok || !isJson(response)) return response;
  const text = await response.text();
  const reply = parsed(text);
  const isAnswer = !isObject(reply) || ["choices", "data", "output"].some((name) => name in reply);
  if (isAnswer || reply["error"] == null) return copyOf(response, text);
  const error = readVendorError(text);
  const status = Object.values(error.numbers).find((number) => number >= 400 && number < 600);
  const isUnknown = /unexpected endpoint|not found/i.test(error.words);
  return copyOf(response, text, status ?? (isUnknown ? 404 : contextOverflowIn(error) === undefined ? 502 : 400));
}

const isJson = ({ headers }: Response): boolean => /\bjson\b/.test(headers.get("content-type") ?? "");

const isEmbedding = (url: string): boolean => new URL(url).pathname.endsWith("/embeddings");

type Reply = { isChat: boolean; wantsStream: boolean; joins: boolean; url: string; onWhole(): void };

async function repairedReply(response: Response, { isChat, wantsStream, joins, url, onWhole }: Reply): Promise<Response> {
  const { body } = response;
  if (body === null) return response;
  if (wantsStream && (isChat || !isJson(response))) {
    const events = body.pipeThrough(rewriteEvents({ joins, isChat, onWhole }));
    return copyOf(response, events, response.status, "text/event-stream");
  }
  if (!isJson(response) && !isChat) return response;
  const text = await response.text();
  const reply = parsed(text);
  if (!isObject(reply)) return copyOf(response, text);
  if (isEmbedding(url)) return embeddingsReply(response, reply);
  const isRepaired = isChat ? repairCompletion(reply, "message") : repairUsage(reply);
  return copyOf(response, isRepaired ? JSON.stringify(reply) : text);
}

function embeddingsReply(response: Response, reply: JsonObject): Response {
  const fault = sortEmbeddings(reply);
  if (fault === undefined) return copyOf(response, JSON.stringify(reply));
  return copyOf(response, JSON.stringify({ error: { message: fault, code: unmatchedEmbeddings } }), 422);
}

/** The code of the error for embeddings that cannot be matched to their texts. */
export const unmatchedEmbeddings = "unmatched_embeddings";

/** A response with another body. The encoding and the length of the first body do not apply to it. */
function copyOf(
  { status, statusText, headers }: Response,
  body: BodyInit,
  newStatus = status,
  type = headers.get("content-type") ?? "application/json",
): Response {
  const kept = new Headers(headers);
  kept.delete("content-encoding");
  kept.delete("content-length");
  kept.set("content-type", type);
  return new Response(body, { status: newStatus, statusText: newStatus === status ? statusText : "", headers: kept });
}
