import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sha256Hex } from "../../src/kit/crypto/hash.ts";
import { freeFailures } from "../../src/limits/rules.ts";
import { bodyOf } from "../support/api.ts";
import { startProbe, type Probe } from "./support/limits.ts";

type Row = { who: string; failures: number; tried_at: number; known_at: number };

let probe: Probe;
let names = 0;
let addresses = 0;

/** A name that nobody used before. */
const newName = () => `person-${(names += 1)}`;
/** An address that nobody used before; each may ask a few times a minute only. */
const newAddress = () => `10.${addresses >> 16}.${(addresses >> 8) & 255}.${(addresses += 1) & 255}`;
const gateOf = (name: string) => sha256Hex(`sign-in ${name}`);

beforeAll(async () => {
  probe = await startProbe();
});
afterAll(() => probe.close());

type Attempt = { ip?: string; device?: string; gives?: string };

function attempt(name: string, outcome: "right" | "wrong" | "withdrawn", { ip = newAddress(), ...query }: Attempt = {}) {
  return probe.send(`/sign-in/${name}/${outcome}?${new URLSearchParams(query).toString()}`, { ip, method: "POST" });
}

async function sql(name: string, query: string): Promise<unknown[]> {
  const storage = await probe.worker.getDurableObjectStorage("SIGN_IN_GATE", { name: await gateOf(name) });
  return storage.exec(query);
}

const rowsOf = (name: string) =>
  sql(name, "select who, failures, tried_at, known_at from budgets order by id") as Promise<Row[]>;
const pass = (name: string, seconds: number) =>
  sql(name, `update budgets set tried_at = tried_at - ${seconds * 1_000}, known_at = max(0, known_at - ${seconds * 1_000})`);

async function gate(name: string) {
  const { SIGN_IN_GATE } = await probe.worker.getEnv();
  return SIGN_IN_GATE.getByName(await gateOf(name));
}

/** Tries what is free, then fails some more, so that the next attempt must wait 16 s: longer than a slow test takes. */
async function exhaust(name: string, from: Attempt = {}): Promise<void> {
  let budget: unknown;
  for (let i = 0; i < freeFailures; i += 1) {
    const reply = await attempt(name, "wrong", from);
    expect(reply.status).toBe(200);
    ({ budget } = await bodyOf(reply));
  }
  await sql(name, `update budgets set failures = ${freeFailures + 4} where who = '${String(budget)}'`);
}

/** Signs in, and waits until the gate knows of it. */
async function signIn(name: string, from: Attempt, known: number): Promise<void> {
  expect((await attempt(name, "right", from)).status).toBe(200);
  await expect.poll(async () => (await rowsOf(name)).filter(({ known_at }) => known_at > 0)).toHaveLength(known);
}

describe("wrong sign-ins", () => {
  test("the first failures are free, later ones wait longer, and refused attempts add nothing", async () => {
    const name = newName();
    await exhaust(name);
    for (const seconds of [16, 32, 64, 128, 256, 300, 300]) {
      for (let i = 0; i < 3; i += 1) {
        const refusal = await attempt(name, "wrong");
        expect(refusal.status).toBe(429);
        expect(Number(refusal.headers.get("retry-after"))).toBeLessThanOrEqual(seconds);
        expect(Number(refusal.headers.get("retry-after"))).toBeGreaterThan(seconds / 2);
        const { code, detail } = await bodyOf(refusal);
        expect(code).toBe("rate_limited");
        expect(detail).toMatch(/^Too many sign-in attempts for this account\. Try again in \d+ seconds\.$/);
      }
      await pass(name, seconds);
      expect((await attempt(name, "wrong")).status).toBe(200);
    }
  });

  test("failures count across all spellings of the name, the address and the device", async () => {
    const name = newName();
    await exhaust(name);
    for (const spelling of [name.toUpperCase(), `%20${name}%20`]) expect((await attempt(spelling, "wrong")).status).toBe(429);
    expect((await attempt(name, "right", { device: "never-seen" })).status).toBe(429);
    expect((await attempt(newName(), "wrong")).status).toBe(200);
  });

  test("failures are forgiven over time", async () => {
    const name = newName();
    await exhaust(name);
    await pass(name, 45 * 60);
    for (const { failures } of await rowsOf(name)) expect(failures).toBe(freeFailures + 4);
    expect((await attempt(name, "wrong")).status).toBe(200);
    expect((await rowsOf(name))[0]!.failures).toBeCloseTo(freeFailures + 4 - 4.5 + 1, 1);
    await pass(name, 24 * 3_600);
    await exhaust(name);
  });

  test("concurrent failures are all counted", async () => {
    const name = newName();
    const replies = await Promise.all(Array.from({ length: 40 }, () => attempt(name, "wrong")));
    const admitted = replies.filter(({ status }) => status === 200).length;
    // One more if all this takes longer than the first delay, which is a second.
    expect([freeFailures, freeFailures + 1]).toContain(admitted);
  });

  test("attempts whose password was never checked are refunded", async () => {
    const name = newName();
    for (let i = 0; i < freeFailures * 3; i += 1) {
      expect((await attempt(name, "withdrawn")).status).toBe(200);
      await expect.poll(async () => (await rowsOf(name))[0]!.failures).toBe(0);
    }
  });

  test("an attempt costs one round trip and one row, and a refused one writes none", async () => {
    const name = newName();
    const { headers } = await attempt(name, "wrong");
    expect(headers.get("server-timing")).toMatch(/^db;dur=0.0;desc="0", kv;dur=0.0;desc="0", do;dur=[\d.]+;desc="1"$/);
    await pass(name, 600);
    await exhaust(name);
    const before = await rowsOf(name);
    expect(before).toHaveLength(1);
    await attempt(name, "wrong");
    expect(await rowsOf(name)).toEqual(before);
  });
});

describe("a device or an address that signed in before", () => {
  test("a known device signs in while a thousand unknown clients guess", async () => {
    const name = newName();
    const home = newAddress();
    await signIn(name, { ip: home, gives: "token-of-ada" }, 2);
    let admitted = 0;
    for (let i = 0; i < 20; i += 1) {
      const replies = await Promise.all(Array.from({ length: 50 }, () => attempt(name, "wrong", { device: `guess-${i}` })));
      admitted += replies.filter(({ status }) => status === 200).length;
    }
    expect(admitted).toBeLessThan(freeFailures + 8);
    // The wait may just be over: a guess that is let in begins a longer one.
    await attempt(name, "wrong");
    expect((await attempt(name, "right")).status).toBe(429);
    expect((await attempt(name, "right", { device: "token-of-ada" })).status).toBe(200);
    expect((await attempt(name, "right", { ip: home })).status).toBe(200);
    expect(await rowsOf(name)).toHaveLength(4);
  });

  test("a known device has its own delay, and its sign-in resets only that one", async () => {
    const name = newName();
    await signIn(name, { device: "d" }, 2);
    await exhaust(name);
    await exhaust(name, { device: "d" });
    expect((await attempt(name, "right", { device: "d" })).status).toBe(429);
    await pass(name, 16);
    expect((await attempt(name, "right", { device: "d" })).status).toBe(200);
    await expect.poll(async () => (await rowsOf(name)).filter(({ failures }) => failures === 0)).toHaveLength(3);
    expect((await rowsOf(name)).find(({ who }) => who === "")!.failures).toBe(freeFailures + 4);
  });

  test("a device is known after registration", async () => {
    const name = newName();
    await probe.send(`/remember/${name}?device=new`, { method: "POST", ip: newAddress() });
    await expect.poll(() => rowsOf(name)).toHaveLength(2);
    await exhaust(name);
    expect((await attempt(name, "right")).status).toBe(429);
    expect((await attempt(name, "right", { device: "new" })).status).toBe(200);
  });

  test("at most the latest twenty known clients are kept", async () => {
    const name = newName();
    const stub = await gate(name);
    for (let i = 0; i < 30; i += 1) await stub.recordSuccess(null, { device: `device-${i}`, address: null });
    const known = (await rowsOf(name)).map(({ who }) => who);
    expect(known).toEqual(Array.from({ length: 20 }, (_, i) => `device-${i + 10}`));
  });

  test("a known client is stored as a hash that differs per account", async () => {
    const [one, other] = [newName(), newName()];
    const ip = newAddress();
    for (const name of [one, other]) await signIn(name, { ip, device: "same" }, 2);
    const [ofOne, ofOther] = [await rowsOf(one), await rowsOf(other)];
    const all = JSON.stringify([ofOne, ofOther]);
    for (const secret of ["same", ip, one, other]) expect(all).not.toContain(secret);
    const hashes = [...ofOne, ...ofOther].map(({ who }) => who).filter(Boolean);
    expect(new Set(hashes).size).toBe(4);
  });
});

describe("the storage of a gate", () => {
  test("the state survives an eviction", async () => {
    const name = newName();
    await signIn(name, { device: "d" }, 2);
    await exhaust(name);
    await probe.worker.evictDurableObject("SIGN_IN_GATE", { name: await gateOf(name) });
    expect((await attempt(name, "wrong")).status).toBe(429);
    expect((await attempt(name, "right", { device: "d" })).status).toBe(200);
  });

  test("the alarm deletes the state when everything is forgiven, and the gate can be used again", async () => {
    const name = newName();
    await exhaust(name);
    const stub = await gate(name);
    expect(await stub.alarmAt()).toBeGreaterThan(Date.now() + 2 * 3_600_000);
    await pass(name, 24 * 3_600);
    await stub.ringNow();
    await expect.poll(() => sql(name, "select name from sqlite_master where name = 'budgets'")).toEqual([]);
    expect(await stub.alarmAt()).toBeNull();
    await stub.prune();
    await stub.prune();
    await exhaust(name);
    expect((await attempt(name, "wrong")).status).toBe(429);
  });

  test("the alarm keeps what still counts, however often it runs", async () => {
    const name = newName();
    await signIn(name, { device: "d" }, 2);
    await exhaust(name);
    const before = await rowsOf(name);
    const stub = await gate(name);
    await stub.ringNow();
    await expect.poll(() => stub.alarmAt()).toBeGreaterThan(Date.now() + 3_500_000);
    await stub.prune();
    expect(await rowsOf(name)).toEqual(before);
    await pass(name, 24 * 3_600);
    await stub.prune();
    expect((await rowsOf(name)).map(({ who }) => who)).toEqual(before.slice(1).map(({ who }) => who));
    await pass(name, 90 * 24 * 3_600);
    await stub.prune();
    expect(await sql(name, "select name from sqlite_master where name = 'budgets'")).toEqual([]);
  });
});

test("sign-in works without the gate, and the failure is logged", async () => {
  const gateless = await startProbe({ gate: false });
  try {
    const reply = await gateless.send("/sign-in/ada/right", { method: "POST" });
    expect(reply.status).toBe(200);
    expect(await bodyOf(reply)).toEqual({ budget: null });
    expect(gateless.logs().join("\n")).toContain("The sign-in gate is unavailable");
  } finally {
    await gateless.close();
  }
});
