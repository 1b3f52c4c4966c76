import { request } from "node:http";
import { describe, expect, test } from "vitest";
import { maxBodyBytes } from "../../src/http/body.ts";
import { bodyOf, useApi } from "../support/api.ts";

const api = useApi();

const synergy = "/api/v2/spirits/synergy";

async function expectProblem(reply: Response, status: number, code: string): Promise<Record<string, unknown>> {
  expect(reply.status).toBe(status);
  expect(reply.headers.get("content-type")).toBe("application/problem+json; charset=utf-8");
  const problem = await bodyOf(reply);
  expect(problem).toMatchObject({
    type: `/problems#${code}`,
    title: expect.any(String),
    status,
    detail: expect.any(String),
    code,
    success: false,
    request_id: reply.headers.get("x-request-id"),
  });
  expect(problem["error"]).toBe(problem["detail"]);
  return problem;
}

describe("an unmatched request", () => {
  test("an unknown path is 404 for every method", async () => {
    for (const method of ["GET", "POST", "DELETE", "OPTIONS"]) {
      await expectProblem(await api.get("/api/v2/nothing", { method }), 404, "not_found");
    }
  });

  test("an unsupported method is 405 with the supported methods", async () => {
    const reply = await api.get(synergy, { method: "DELETE" });
    await expectProblem(reply, 405, "method_not_allowed");
    expect(reply.headers.get("allow")?.split(", ").toSorted()).toEqual(["GET", "HEAD", "OPTIONS", "POST"]);
    const read = await api.get("/api/spirits/3/", { method: "PUT" });
    await expectProblem(read, 405, "method_not_allowed");
    expect(read.headers.get("allow")).toBe("GET, HEAD, OPTIONS");
  });
});

describe("a request body", () => {
  test("a body that is not JSON is 400", async () => {
    for (const body of ["{", "", "undefined"]) {
      const reply = await api.get(synergy, { method: "POST", body, headers: { "content-type": "application/json" } });
      await expectProblem(reply, 400, "malformed_json");
    }
  });

  test("a body that is not UTF-8 is 400", async () => {
    const body = new Uint8Array([0x22, 0xff, 0x22]);
    const reply = await api.get(synergy, { method: "POST", body, headers: { "content-type": "application/json" } });
    expect((await expectProblem(reply, 400, "malformed_json"))["detail"]).toBe("The body is not valid UTF-8.");
  });

  test.each([
    [
      "nested 3,000 levels deep",
      `{"spirit_ids":${"[".repeat(3_000)}${"]".repeat(3_000)}}`,
      /^spirit_ids\.0/,
      "is nested more than",
    ],
    ["with 12,000 values", `{"spirit_ids":[${"1,".repeat(12_000)}1]}`, /^$/, "has more than 10000 values"],
    ["with a number that no double holds", '{"spirit_ids":[1e400]}', /^spirit_ids\.0$/, "is a number that is too large"],
    ["with a name twice", '{"spirit_ids":[1],"spirit_ids":[2]}', /^spirit_ids$/, "occurs twice in its object"],
    ["with __proto__", '{"spirit_ids":[1],"__proto__":{"a":1}}', /^__proto__$/, "is not an allowed name"],
  ])("%s is 400 that says where", async (_, body, path, message) => {
    const reply = await api.get(synergy, { method: "POST", body, headers: { "content-type": "application/json" } });
    const { errors } = await expectProblem(reply, 400, "malformed_json");
    expect(errors).toEqual([
      { in: "body", path: expect.stringMatching(path) as unknown, message: expect.stringContaining(message) as unknown },
    ]);
  });

  test("another media type is 415, and a JSON media type is accepted", async () => {
    const body = JSON.stringify({ spirit_ids: [1] });
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"]) {
      const reply = await api.get(synergy, { method: "POST", body, headers: { "content-type": type } });
      await expectProblem(reply, 415, "unsupported_media_type");
    }
    for (const type of ["application/json; charset=utf-8", "APPLICATION/JSON", "application/merge-patch+json"]) {
      expect((await api.get(synergy, { method: "POST", body, headers: { "content-type": type } })).status).toBe(200);
    }
  });

  test("a body above the size limit is 413, also without Content-Length", async () => {
    const tooLong = JSON.stringify({ spirit_ids: [1], filler: "x".repeat(maxBodyBytes) });
    await expectProblem(
      await api.post(synergy, { spirit_ids: [1], filler: "x".repeat(maxBodyBytes) }),
      413,
      "payload_too_large",
    );
    const headers = { "content-type": "application/json", "transfer-encoding": "chunked" };
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const sent = request(new URL(synergy, api.url).href, { method: "POST", headers }, (reply) => {
        reply.resume();
        resolve(reply.statusCode);
      });
      sent.on("error", reject);
      for (let i = 0; i < tooLong.length; i += 8_192) sent.write(tooLong.slice(i, i + 8_192));
      sent.end();
    });
    expect(status).toBe(413);
  });

  test("a body of exactly the size limit is accepted", async () => {
    const frame = JSON.stringify({ spirit_ids: [1], filler: "" }).length;
    const reply = await api.post(synergy, { spirit_ids: [1], filler: "x".repeat(maxBodyBytes - frame) });
    expect(reply.status).toBe(200);
  });

  test("an invalid body is 422 with the path of every issue", async () => {
    const problem = await expectProblem(await api.post(synergy, { spirit_ids: [1, "two", -3] }), 422, "validation_failed");
    expect(problem["errors"]).toMatchObject([
      { path: "spirit_ids.1", in: "body" },
      { path: "spirit_ids.2", in: "body" },
    ]);
    for (const body of [{}, [], null, { spirit_ids: "7" }]) {
      await expectProblem(await api.post(synergy, body), 422, "validation_failed");
    }
  });

  test("issues of the body and of the query are reported together", async () => {
    const problem = await expectProblem(await api.get("/api/v2/spirits/available?rank=King&level=x"), 422, "validation_failed");
    expect(problem["errors"]).toMatchObject([
      { path: "rank", in: "query" },
      { path: "level", in: "query" },
    ]);
  });
});

describe("HEAD", () => {
  test("HEAD has the headers of GET and no body, from the cache or not", async () => {
    const cold = await api.get("/api/v2/spirits/5", { method: "HEAD" });
    const get = await api.get("/api/v2/spirits/5");
    const warm = await api.get("/api/v2/spirits/5", { method: "HEAD" });
    for (const head of [cold, warm]) {
      expect(head.status).toBe(200);
      expect(await head.text()).toBe("");
      expect(head.headers.get("etag")).toBe(get.headers.get("etag"));
      expect(head.headers.get("content-type")).toBe(get.headers.get("content-type"));
    }
    expect((await api.get("/api/v2/nothing", { method: "HEAD" })).status).toBe(404);
  });
});

describe("OPTIONS", () => {
  test("OPTIONS lists the methods of a path", async () => {
    const reply = await api.get("/api/v2/tools", { method: "OPTIONS" });
    expect(reply.status).toBe(204);
    expect(reply.headers.get("allow")).toBe("GET, HEAD, OPTIONS");
    expect(reply.headers.has("access-control-allow-origin")).toBe(false);
  });

  test("OPTIONS answers the preflight of a listed origin only", async () => {
    const preflight = (origin: string) =>
      api.get(synergy, { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } });
    const allowed = await preflight("http://localhost:3000");
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get("access-control-allow-origin")).toBe("http://localhost:3000");
    expect(allowed.headers.get("access-control-allow-methods")).toContain("POST");
    expect(allowed.headers.get("access-control-allow-headers")).toContain("Authorization");
    for (const origin of ["https://evil.example", "http://localhost:3000.evil.example", "null", "http://LOCALHOST:3000"]) {
      expect((await preflight(origin)).headers.has("access-control-allow-origin")).toBe(false);
    }
  });
});

describe("every response", () => {
  const paths = ["/health", "/api/v2/spirits", "/api/v2/spirits", "/api/v2/nothing", "/api/v2/spirits/x"];

  test("a listed origin may read the response, and Vary separates origins in caches", async () => {
    for (const path of paths) {
      const reply = await api.get(path, { headers: { origin: "http://localhost:5173" } });
      expect(reply.headers.get("access-control-allow-origin")).toBe("http://localhost:5173");
      expect(reply.headers.get("access-control-expose-headers")).toContain("X-Request-Id");
      expect(reply.headers.get("vary")).toBe("Origin");
      const foreign = await api.get(path, { headers: { origin: "https://evil.example" } });
      expect(foreign.headers.has("access-control-allow-origin")).toBe(false);
    }
  });

  test("the response has the security headers and the number of round trips", async () => {
    for (const path of paths) {
      const { headers } = await api.get(path);
      expect(headers.get("content-security-policy")).toBe("default-src 'none'; frame-ancestors 'none'");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("strict-transport-security")).toContain("max-age=31536000");
      expect(headers.get("server-timing")).toMatch(
        /^db;dur=[\d.]+;desc="\d", kv;dur=[\d.]+;desc="\d", do;dur=[\d.]+;desc="\d"$/,
      );
    }
  });

  test("the response has a new request ID, or the client's if it is well formed", async () => {
    const ids = new Set<string | null>();
    for (const path of paths) {
      ids.add((await api.get(path)).headers.get("x-request-id"));
      const given = await api.get(path, { headers: { "x-request-id": "caller-id_01:a.b" } });
      expect(given.headers.get("x-request-id")).toBe("caller-id_01:a.b");
      for (const malformed of ["short", "with space", "x".repeat(129), "<script>alert(1)</script>"]) {
        const reply = await api.get(path, { headers: { "x-request-id": malformed } });
        expect(reply.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}-[0-9a-z]+$/);
      }
    }
    expect(ids.size).toBe(paths.length);
  });
});
