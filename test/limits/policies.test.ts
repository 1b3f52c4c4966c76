import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { productionConfig } from "../../dev/wrangler/config.ts";
import { policies, windowSeconds } from "../../src/limits/policies.ts";
import { bodyOf } from "../support/api.ts";
import { probeLimits, settleInMinute, startProbe, type Probe } from "./support/limits.ts";

describe("the configuration of limits", () => {
  const { ratelimits, vars } = productionConfig();

  test("the documented limits are those of the bindings", () => {
    const configured = Object.entries(policies).map(([name, { binding }]) => [
      binding,
      { limit: (vars["RATE_LIMITS"] as Record<string, number>)[name], period: windowSeconds },
    ]);
    expect(Object.fromEntries(ratelimits.map(({ name, simple }) => [name, simple]))).toEqual(Object.fromEntries(configured));
  });

  test("every policy has its own counter", () => {
    expect(new Set(ratelimits.map(({ namespace_id }) => namespace_id)).size).toBe(Object.keys(policies).length);
  });
});

describe("rate limits", () => {
  let probe: Probe;
  let addresses = 0;
  const newAddress = () => `203.0.113.${(addresses += 1)}`;

  beforeAll(async () => {
    probe = await startProbe();
  });
  beforeEach(() => settleInMinute(5));
  afterAll(() => probe.close());

  /** Sends the same request one time more than it may be, and returns the last reply. */
  async function exceed(limit: number, path: string, from: Parameters<Probe["send"]>[1]): Promise<Response> {
    for (let i = 0; i < limit; i += 1) expect((await probe.send(path, from)).status).toBe(200);
    return probe.send(path, from);
  }

  async function expectProblem(reply: Response, policy: keyof typeof probeLimits, subject: string): Promise<void> {
    const limit = probeLimits[policy];
    expect(reply.status).toBe(429);
    expect(reply.headers.get("retry-after")).toBe("60");
    expect(reply.headers.get("ratelimit-policy")).toBe(`"${policy}";q=${limit};w=60`);
    expect(reply.headers.get("content-type")).toBe("application/problem+json; charset=utf-8");
    expect(await bodyOf(reply)).toMatchObject({
      code: "rate_limited",
      detail: `Too many requests from this ${subject}. The limit "${policy}" is ${limit} requests per minute. Wait 60 seconds.`,
    });
  }

  test("an address without an account has a limit of its own", async () => {
    const ip = newAddress();
    await expectProblem(await exceed(probeLimits.anonymous, "/open", { ip }), "anonymous", "address");
    expect((await probe.send("/open", { ip: newAddress() })).status).toBe(200);
  });

  test("requests to unknown paths and with unknown tokens are counted", async () => {
    const ip = newAddress();
    for (let i = 0; i < probeLimits.anonymous; i += 1) {
      await probe.send(`/nothing/${i}`, { ip, token: `user:${i}`, method: i % 2 ? "GET" : "OPTIONS" });
    }
    await expectProblem(await probe.send("/nothing", { ip, token: "user:1" }), "anonymous", "address");
  });

  test("the addresses of one IPv6 subscriber share a limit", async () => {
    const ip = () => `2001:db8:0:${addresses}::${Math.floor(Math.random() * 65_535).toString(16)}`;
    addresses += 1;
    for (let i = 0; i < probeLimits.anonymous; i += 1) await probe.send("/open", { ip: ip() });
    await expectProblem(await probe.send("/open", { ip: ip() }), "anonymous", "address");
  });

  test("a user has one limit at all addresses, separate from other users there", async () => {
    const ip = newAddress();
    for (let i = 0; i < probeLimits.authenticated; i += 1) {
      expect((await probe.send("/guarded", { ip: newAddress(), token: "user:11" })).status).toBe(200);
    }
    await expectProblem(await probe.send("/guarded", { ip, token: "user:11" }), "authenticated", "account");
    expect((await probe.send("/guarded", { ip, token: "user:12" })).status).toBe(200);
    expect((await probe.send("/guarded", { ip, token: "key:11" })).status).toBe(200);
  });

  test("authenticated requests do not count towards the address", async () => {
    const ip = newAddress();
    for (let user = 100; user < 110 + probeLimits.anonymous; user += 1) {
      expect((await probe.send("/guarded", { ip, token: `user:${user}` })).status).toBe(200);
    }
  });

  test("changes have a separate limit", async () => {
    const from = { ip: newAddress(), token: "key:21" };
    await expectProblem(await exceed(probeLimits.mutations, "/guarded", { ...from, method: "POST" }), "mutations", "API key");
    expect((await probe.send("/guarded", from)).status).toBe(200);
  });

  test("a route with its own limit also counts towards the general one", async () => {
    const ip = newAddress();
    await expectProblem(await exceed(probeLimits.expensive, "/expensive", { ip, token: "user:31" }), "expensive", "account");
    await expectProblem(await exceed(probeLimits.sign_in, "/sign-in-page", { ip }), "sign_in", "address");
  });

  test("an address that is refused too often is blocked without counting", async () => {
    const ip = newAddress();
    const countedRequests = async () => (await bodyOf(await probe.send("/heard", { ip: newAddress() }))).heard as number;
    for (let i = 0; i < probeLimits.anonymous; i += 1) {
      expect((await probe.send("/guarded", { ip, token: "wrong" })).status).toBe(401);
    }
    await expectProblem(await probe.send("/guarded", { ip, token: "wrong" }), "anonymous", "address");
    const before = await countedRequests();
    await expectProblem(await probe.send("/guarded", { ip, token: "wrong" }), "anonymous", "address");
    expect(await countedRequests()).toBe(before);
    expect((await probe.send("/open", { ip })).status).toBe(200);
    expect((await probe.send("/guarded", { ip: newAddress(), token: "user:41" })).status).toBe(200);
  });

  test("a route with a guard that does not count is limited as anonymous", async () => {
    const from = { ip: newAddress(), token: "user:51" };
    await expectProblem(await exceed(probeLimits.anonymous, "/uncounted", from), "anonymous", "address");
  });

  test("requests from unknown addresses share one limit", async () => {
    const replies = await Promise.all(Array.from({ length: probeLimits.anonymous + 1 }, () => probe.send("/open", {})));
    expect(replies.filter(({ status }) => status === 429).length).toBeGreaterThan(0);
  });

  test("concurrent requests are each counted", async () => {
    const ip = newAddress();
    const replies = await Promise.all(Array.from({ length: 40 }, () => probe.send("/open", { ip })));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(probeLimits.anonymous);
  });
});

test("a failing rate limiter allows requests and logs it once", async () => {
  const probe = await startProbe({ without: ["LIMIT_ANONYMOUS"] });
  try {
    for (let i = 0; i < probeLimits.anonymous + 5; i += 1) expect((await probe.send("/open", {})).status).toBe(200);
    expect(probe.logs().filter((line) => line.includes("A rate limit binding is unavailable"))).toHaveLength(1);
  } finally {
    await probe.close();
  }
});
