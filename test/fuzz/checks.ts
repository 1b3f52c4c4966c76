import { errorTypes } from "../../src/errors.ts";
import { leaksIn } from "../support/canary.ts";
import type { Listed } from "../support/openapi-operations.ts";
import { replyFaults } from "../support/openapi-replies.ts";
import { timeLimitMs, type FuzzReply } from "./send.ts";
import type { FuzzRequest } from "./request.ts";

/** What is wrong with a reply. Faults of one kind at one operation are one failure. */
export type Fault = { kind: string; detail: string };

/** Texts that no reply may hold: those of another user, and those of the server. */
export type Forbidden = { canary: string; secrets: readonly string[] };

const codes = new Set(errorTypes.map(({ code }) => code));

/** Errors of a server that are not ours: a provider refused, or the server has no configuration for it. */
const foreignFailures = new Set(errorTypes.flatMap(({ code }) => (code.startsWith("provider_") ? [code] : [])));

/** Methods that workerd itself does not know. */
const unknownMethods = new Set(["TRACE", "PROPFIND"]);

/** Texts of an unhandled error: a stack, or the name of an internal. */
const internals = /\n\s+at \S|node_modules|DrizzleQueryError|Failed query|bundle\.js|NeonDbError/;

/** The faults of a reply. @param isAdministrator whether the sender may read the texts of all users */
export function faultsOf(
  listed: Pick<Listed, "operation">,
  request: FuzzRequest,
  reply: FuzzReply,
  forbidden: Forbidden,
  isAdministrator = false,
): Fault[] {
  // A body that never comes: whether there is a reply depends on the platform.
  const isMisframed = request.contentLength !== undefined;
  if (reply.kind === "unanswered")
    return [{ kind: "no reply", detail: `after ${timeLimitMs / 1_000} seconds, status ${reply.status ?? "none"}` }];
  if (reply.kind === "broken") return isMisframed ? [] : [{ kind: "broken connection", detail: reply.reason }];
  const { status, headers, body } = reply;
  const text = body.toString();
  const faults = leakFaults(`${JSON.stringify(headers)}\n${text}`, forbidden, isAdministrator);
  const isOfPlatform = headers["x-request-id"] === undefined && (isMisframed || unknownMethods.has(request.method));
  if (isOfPlatform) return faults;
  if (request.method === "HEAD")
    return status >= 500 ? [...faults, { kind: "server error", detail: `HEAD: ${status}` }] : faults;
  if (status >= 400) faults.push(...problemFaults(status, headers, text));
  else if (headers["x-request-id"] === undefined) faults.push({ kind: "no request ID", detail: `status ${status}` });
  if (!request.isExact) return faults;
  const undocumented = replyFaults(listed.operation, status, headers["content-type"] ?? null, text);
  if (!Array.isArray(undocumented) || undocumented.length > 0) {
    faults.push({ kind: `undocumented ${status}`, detail: JSON.stringify(undocumented) });
  }
  return faults;
}

/** The faults of a text that is sent to a user. */
export function leakFaults(text: string, { canary, secrets }: Forbidden, isAdministrator: boolean): Fault[] {
  const faults: Fault[] = [];
  if (leaksIn([text]).length > 0) faults.push({ kind: "leak", detail: "the key of a provider" });
  if (secrets.some((secret) => text.includes(secret))) faults.push({ kind: "leak", detail: "a secret" });
  if (!isAdministrator && text.includes(canary)) faults.push({ kind: "leak", detail: "a text of another user" });
  if (internals.test(text)) faults.push({ kind: "leak", detail: "an internal of the server" });
  return faults;
}

function problemFaults(status: number, headers: Record<string, unknown>, text: string): Fault[] {
  const problem = parse(text);
  const faults: Fault[] = [];
  if (String(headers["content-type"]).split(";")[0] !== "application/problem+json") {
    faults.push({ kind: `no problem ${status}`, detail: `Content-Type: ${String(headers["content-type"])}` });
  }
  const code = String(problem?.["code"]);
  if (!codes.has(code)) faults.push({ kind: `no code ${status}`, detail: code });
  if (problem?.["request_id"] === undefined || problem["request_id"] !== headers["x-request-id"]) {
    faults.push({ kind: "no request ID", detail: `status ${status}` });
  }
  if (status >= 500 && !foreignFailures.has(code)) faults.push({ kind: "server error", detail: `${status} ${code}` });
  return faults;
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
