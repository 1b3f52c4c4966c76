import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listen, type Listening } from "../../dev/listen.ts";
import { curlOf, type FuzzRequest } from "./request.ts";
import { sendRequest } from "./send.ts";
import { shrink } from "./shrink.ts";

let server: Listening;
let base: URL;

/** Answers with what came; breaks the connection at /break. */
beforeAll(async () => {
  server = await listen(
    createServer((request, response) => {
      if (request.url === "/break") request.socket.destroy();
      else {
        void text(request).then(
          (body) => response.end(`${request.method} ${request.url} ${body}`),
          () => response.destroy(),
        );
      }
    }),
  );
  base = new URL(`http://${server.host}`);
});
afterAll(() => server.close());

const made = (given: Partial<FuzzRequest> = {}): FuzzRequest => ({
  operationId: "example",
  method: "POST",
  path: "/a?b=1",
  headers: {},
  body: Buffer.from("hello"),
  sender: "first",
  isExact: true,
  ...given,
});

describe("sending", () => {
  test("the sender returns the whole reply", async () => {
    const reply = await sendRequest(base, made());
    expect(reply).toMatchObject({ kind: "reply", status: 200 });
    expect(reply.kind === "reply" && reply.body.toString()).toBe("POST /a?b=1 hello");
  });

  test("tells of a broken connection", async () => {
    expect((await sendRequest(base, made({ path: "/break" }))).kind).toBe("broken");
  });

  test("the sender reads the reply to a body that is longer than its Content-Length, and survives a shorter one", async () => {
    const longer = await sendRequest(base, made({ contentLength: 2 }));
    expect(longer.kind).toBe("reply");
    expect((await sendRequest(base, made({ contentLength: 50 }))).kind).not.toBe("unanswered");
  });
});

describe("a request as a command line", () => {
  test("a command line has the quoted headers and body of its request", () => {
    const command = curlOf(base, made({ headers: { "if-match": `"it's"` }, body: Buffer.from(`{"a":"it's"}`) }));
    expect(command).toContain(`curl -i -X POST '${base.origin}/a?b=1'`);
    expect(command).toContain(`-H 'if-match: "it'\\''s"'`);
    expect(command).toContain(`--data-raw '{"a":"it'\\''s"}'`);
  });

  test("writes bytes that are no text by printf", () => {
    expect(curlOf(base, made({ body: Uint8Array.of(0xff, 0) }))).toMatch(/^printf '\\377\\000' \| curl /);
  });
});

describe("shrinking", () => {
  test("a smaller request keeps what the failure needs", async () => {
    const request = made({
      path: "/a?b=1&c=2",
      headers: { "if-match": "1", accept: "x", authorization: "Bearer x" },
      body: Buffer.from(JSON.stringify({ name: "aaaaaaXaaaaa", other: 1 })),
    });
    const fails = async ({ path, headers, body }: FuzzRequest) =>
      path.includes("c=2") && "accept" in headers && Buffer.from(body!).toString().includes("X");
    const smallest = await shrink(request, fails);
    expect(smallest.path).toBe("/a?c=2");
    expect(Object.keys(smallest.headers)).toEqual(["accept", "authorization"]);
    expect(JSON.parse(Buffer.from(smallest.body!).toString())).toEqual({ name: "X" });
  });
});
