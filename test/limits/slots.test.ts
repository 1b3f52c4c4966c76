import { afterAll, beforeAll, expect, test } from "vitest";
import { bodyOf } from "../support/api.ts";
import { startProbe, type Probe } from "./support/limits.ts";

let probe: Probe;
let addresses = 0;

beforeAll(async () => {
  probe = await startProbe();
});
afterAll(() => probe.close());

const send = (path: string) => probe.send(path, { ip: `10.1.0.${(addresses += 1)}` });

test("the requests of an isolate share slots, and requests beyond the queue are refused", async () => {
  const replies = await Promise.all(Array.from({ length: 8 }, () => send("/slot?ms=300")));
  expect(replies.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 200, 200, 200, 429, 429, 429, 429]);
  const served = await Promise.all(replies.filter(({ ok }) => ok).map(bodyOf));
  expect(Math.max(...served.map(({ atOnce }) => atOnce as number))).toBe(2);
  expect(replies.find(({ ok }) => !ok)?.headers.get("retry-after")).toBe("1");
});

test("canceled requests release their slots and their places in the queue", async () => {
  await send("/leave");
  await send("/leave");
  expect((await send("/slot?ms=10")).status).toBe(429);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const reply = await send("/slot?ms=10");
  // The two that hold slots never came to their ends, or they would not be counted here.
  expect(await bodyOf(reply)).toEqual({ atOnce: 3 });
});
