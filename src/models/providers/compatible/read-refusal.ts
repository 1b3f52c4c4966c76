import type { Quirks } from "../../constants.ts";
import { contextOverflowIn } from "../../vendor-errors/context-overflow.ts";
import { readVendorError, type VendorError } from "../../vendor-errors/read-error.ts";
import { hasTextParts, limitOf, optionalParameters } from "./adapt-request.ts";
import { isObject, type JsonObject } from "./repair-reply.ts";

/** A refused request, as it was sent: with the quirks that were known before, and those that its earlier attempts showed. */
export type Refused = { status: number; text: string; body: JsonObject; quirks: Quirks; found: Quirks };

/** The statuses of refusals that name what the server does not accept. */
const statuses: ReadonlySet<number> = new Set([400, 404, 405, 415, 422, 500, 501]);

/** What servers say about a field that they do not accept. */
const refuses =
  /unsupported|not\s+(?:be\s+)?(?:supported|permitted|allowed|enabled|accepted|recognized|available|valid|implemented)|n[o']t support|unknown|unrecognized|unexpected|invalid|extra|forbidden|does not accept|only the default|cannot|deprecated|additional propert|incompatible/i;

/** What they say about a value that is out of range. The user must know about it, so nothing is left out. */
const isOutOfRange =
  /between|less than|greater than|larger than|too (?:large|small|high|low|big)|out of range|at (?:most|least)|[<>]=?\s*\d|must be in/i;

/** The quirk that a refusal shows: what to do differently in the next attempt. Undefined if it shows none, or the user has set it. */
export function readRefusal({ status, text, body, quirks: known, found }: Refused): Quirks | undefined {
  if (!statuses.has(status)) return undefined;
  const quirks = { ...known, ...found };
  const error = readVendorError(text);
  if (contextOverflowIn(error) !== undefined) return undefined;
  const messages = Array.isArray(body["messages"]) ? body["messages"].filter(isObject) : [];
  return (
    ofReasoning(error, messages, quirks) ??
    ofLimit(error, body, quirks, found) ??
    ofParameter(error, body, quirks) ??
    ofTools(error, body, quirks) ??
    ofStream(error, body, quirks) ??
    ofContent(error, messages, quirks) ??
    ofSystem(error, messages, quirks)
  );
}

const names = ({ words, params }: VendorError, name: string): boolean =>
  new RegExp(String.raw`(?<![\w])${name}(?![\w])`, "i").test([words, ...params].join("\n"));

function isRefused(error: VendorError, name: string): boolean {
  if (!names(error, name)) return false;
  const { words, codes, params } = error;
  if (/only the default/i.test(words)) return true;
  if (isOutOfRange.test(words)) return false;
  return refuses.test(words) || refuses.test(codes.join(" ").replaceAll("_", " ")) || params.includes(name);
}

function ofParameter(error: VendorError, body: JsonObject, quirks: Quirks): Quirks | undefined {
  const name = optionalParameters.find((each) => each in body && quirks[each] === undefined && isRefused(error, each));
  return name === undefined ? undefined : { [name]: false };
}

/** What servers say about requests with tools, such as "does not support tools", or "auto tool choice requires --enable-auto-tool-choice". */
const toolWords = /\btools\b|\btool[ _-]?(?:choice|calls?|calling|use)\b|\bfunction[ _-]?call(?:s|ing)?\b/i;

function ofTools({ words, params }: VendorError, body: JsonObject, quirks: Quirks): Quirks | undefined {
  if (!("tools" in body) || quirks.tools !== undefined) return undefined;
  if (params.includes("tools")) return { tools: false };
  const isUnavailable = refuses.test(words) || /\brequires\b|\bno endpoints found\b/i.test(words);
  return toolWords.test(words) && isUnavailable ? { tools: false } : undefined;
}

function ofLimit(error: VendorError, body: JsonObject, { max_tokens_name }: Quirks, found: Quirks): Quirks | undefined {
  const name = limitOf(body);
  if (name === undefined || !isRefused(error, name)) return undefined;
  if (max_tokens_name === undefined) return { max_tokens_name: name === "max_tokens" ? "max_completion_tokens" : "max_tokens" };
  return found.max_tokens_name === undefined ? undefined : { max_tokens_name: "none" };
}

function ofStream({ words, params }: VendorError, body: JsonObject, quirks: Quirks): Quirks | undefined {
  if (body["stream"] !== true || quirks.stream !== undefined) return undefined;
  const isNamed =
    /\bstream(?:ing)?\b[^.\n]{0,60}(?:not|un)[ -]?(?:yet )?(?:be )?(?:supported|allowed|enabled|available|implemented)/i.test(
      words,
    );
  const isUnsupported = /(?:not support|unsupported)[^.\n]{0,60}\bstream(?:ing)?\b/i.test(words);
  return isNamed || isUnsupported || params.includes("stream") ? { stream: false } : undefined;
}

function ofReasoning(error: VendorError, messages: readonly JsonObject[], quirks: Quirks): Quirks | undefined {
  const hasCalls = messages.some(({ tool_calls }) => tool_calls !== undefined);
  if (!hasCalls || !names(error, "reasoning_content")) return undefined;
  const isRequired = /missing|must|required|pass(?:ed)? back|include|provide/i.test(error.words);
  return isRequired && quirks.reasoning_content === undefined ? { reasoning_content: true } : undefined;
}

function ofContent(error: VendorError, messages: readonly JsonObject[], quirks: Quirks): Quirks | undefined {
  if (quirks.string_content !== undefined || !messages.some(hasTextParts)) return undefined;
  const { words } = error;
  const isAboutContent = names(error, "content") || /message/i.test(words);
  return isAboutContent && /string|\bstr\b|array|list|sequence|multi-?(?:part|modal)/i.test(words)
    ? { string_content: true }
    : undefined;
}

const systemWords =
  /(?:system|developer)['"`]? (?:role|message|prompt|instruction)|['"`]system['"`]|role[^.\n]{0,20}\bsystem\b/i;

function ofSystem(error: VendorError, messages: readonly JsonObject[], quirks: Quirks): Quirks | undefined {
  if (quirks.system_role !== undefined || !messages.some(({ role }) => role === "system" || role === "developer"))
    return undefined;
  const { words } = error;
  const isNamed = systemWords.test(words) && refuses.test(words);
  return isNamed || /roles must alternate|only (?:the )?(?:user and assistant|'?user'? and '?assistant'?)/i.test(words)
    ? { system_role: false }
    : undefined;
}
