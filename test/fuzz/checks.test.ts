import { describe, expect, test } from "vitest";
import { providerKey } from "../support/canary.ts";
import { operations } from "../support/openapi-operations.ts";
import { faultsOf } from "./checks.ts";
import type { FuzzRequest } from "./request.ts";
import type { FuzzReply } from "./send.ts";

const listed = operations.find(({ id }) => id === "isAlive")!;
const request: FuzzRequest = {
  operationId: "isAlive",
  method: "GET",
  path: "/health",
  headers: {},
  body: undefined,
  sender: "first",
  isExact: true,
};
const forbidden = { canary: "canary-of-another", secrets: ["a-secret-of-the-server"] };

const id = "8f14e45f";
const replyWith = (status: number, body: object | string, headers: Record<string, string> = {}): FuzzReply => ({
  kind: "reply",
  status,
  headers: {
    "x-request-id": id,
    "content-type": `application/${status < 400 ? "json" : "problem+json"}; charset=utf-8`,
    ...headers,
  },
  body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)),
});
const problem = (status: number, code: string, more: object = {}) => {
  const detail = { detail: "It failed.", error: "It failed.", message: "It failed." };
  return { type: "/problems", title: "A failure", status, code, request_id: id, success: false, ...detail, ...more };
};
const kindsOf = (reply: FuzzReply, given: Partial<FuzzRequest> = {}, isAdministrator = false) =>
  faultsOf(listed, { ...request, ...given }, reply, forbidden, isAdministrator).map(({ kind }) => kind);

describe("a reply", () => {
  test("a documented reply has no fault", () => {
    expect(kindsOf(replyWith(200, { success: true, status: "ok" }))).toEqual([]);
    expect(kindsOf(replyWith(429, problem(429, "rate_limited")))).toEqual([]);
    expect(kindsOf(replyWith(502, problem(502, "provider_unavailable")), { isExact: false })).toEqual([]);
  });

  test("a reply that is missing or breaks off is a fault", () => {
    expect(kindsOf({ kind: "unanswered" })).toEqual(["no reply"]);
    expect(kindsOf({ kind: "broken", reason: "reset" })).toEqual(["broken connection"]);
    expect(kindsOf({ kind: "broken", reason: "reset" }, { contentLength: 3 })).toEqual([]);
  });

  test.each([500, 503])("our own reply with status %i is a fault", (status) => {
    const code = status === 500 ? "internal" : "database_unavailable";
    expect(kindsOf(replyWith(status, problem(status, code)), { isExact: false })).toEqual(["server error"]);
    expect(kindsOf(replyWith(status, ""), { method: "HEAD", isExact: false })).toEqual(["server error"]);
  });

  test("an error in another form is a fault", () => {
    const exactly = { isExact: false };
    expect(kindsOf(replyWith(404, "Not found", { "content-type": "text/plain" }), exactly)).toEqual([
      "no problem 404",
      "no code 404",
      "no request ID",
    ]);
    expect(kindsOf(replyWith(404, problem(404, "invented")), exactly)).toEqual(["no code 404"]);
    expect(kindsOf(replyWith(404, problem(404, "not_found", { request_id: "other" })), exactly)).toEqual(["no request ID"]);
  });

  test("a reply that the document does not describe is a fault", () => {
    expect(kindsOf(replyWith(200, { success: true, status: "fine" }))).toEqual(["undocumented 200"]);
    expect(kindsOf(replyWith(418, problem(418, "not_found")))).toEqual(["undocumented 418"]);
  });

  test.each([
    ["the key of a provider", providerKey("planted")],
    ["a secret", forbidden.secrets[0]!],
    ["a text of another user", forbidden.canary],
    ["a stack", "TypeError: x is undefined\n    at handle (worker.js:1:2)"],
  ])("a reply with %s in its body or its headers is a fault", (_, text) => {
    const exactly = { isExact: false };
    expect(kindsOf(replyWith(200, text), exactly)).toEqual(["leak"]);
    const header = text.replace("\n", " node_modules");
    expect(kindsOf(replyWith(200, {}, { "x-other": header }), exactly)).toEqual(["leak"]);
  });

  test("a reply to an administrator may show the texts of other users", () => {
    expect(kindsOf(replyWith(200, forbidden.canary), { isExact: false }, true)).toEqual([]);
  });
});
