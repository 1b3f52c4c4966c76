import { expect, test } from "vitest";
import { sendRequest } from "../fuzz/send.ts";
import { useApi } from "../support/api.ts";

const api = useApi();

test("a body that breaks off before its Content-Length is 400", async () => {
  const reply = await sendRequest(api.url, {
    operationId: "computeSynergy",
    method: "POST",
    path: "/api/v2/spirits/synergy",
    headers: { "content-type": "application/json", "cf-connecting-ip": "198.18.0.1" },
    body: Buffer.from("{"),
    contentLength: 50,
    sender: "anonymous",
    isExact: false,
  });
  expect(reply).toMatchObject({ kind: "reply", status: 400 });
  expect(reply.kind === "reply" && JSON.parse(reply.body.toString())).toMatchObject({
    code: "malformed_json",
    detail: "The body is incomplete: it is shorter than its Content-Length.",
  });
});
