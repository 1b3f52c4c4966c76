import { describe, expect, test, vi } from "vitest";
import type { Ctx } from "../../src/context.ts";
import { RoundTripCounter } from "../../src/kit/server-timing.ts";
import type { Admission } from "../../src/limits/durable-object.ts";
import { admitSignIn, signInSucceeded } from "../../src/limits/sign-in.ts";

const deferred: Promise<unknown>[] = [];

/** A context whose gate does what each call in turn says, the last one for ever. */
function contextWith(...calls: (() => Promise<Admission>)[]) {
  const made = vi.fn<() => Promise<Admission>>(() => (calls.length > 1 ? calls.shift()! : calls[0]!)());
  const ctx = {
    env: { SIGN_IN_GATE: { getByName: () => ({ attempt: made, recordSuccess: made }) } },
    client: { ip: "203.0.113.1" },
    roundTrips: new RoundTripCounter(),
    background: () => ctx,
    waitUntil: (work: Promise<unknown>) => void deferred.push(work),
  } as unknown as Ctx;
  return { ctx, made };
}

const failing = (marks: object) => () => Promise.reject(Object.assign(new Error("of the platform"), marks));
const admitting = () => Promise.resolve<Admission>({ admitted: true, budget: "" });

describe("a failing SignInGate", () => {
  test("a transient failure of the gate is retried once", async () => {
    const { ctx, made } = contextWith(failing({ retryable: true }), admitting);
    expect(await admitSignIn(ctx, "ada", null)).toMatchObject({ budget: "" });
    expect(made).toHaveBeenCalledTimes(2);
    expect(ctx.roundTrips.serverTiming()).toContain('desc="2"');
  });

  test("repeated failures of the gate allow the attempt", async () => {
    const { ctx, made } = contextWith(failing({ retryable: true }));
    expect(await admitSignIn(ctx, "ada", null)).toMatchObject({ budget: null });
    expect(made).toHaveBeenCalledTimes(2);
  });

  test("an overloaded gate refuses the attempt and is not retried", async () => {
    const { ctx, made } = contextWith(failing({ retryable: true, overloaded: true }));
    await expect(admitSignIn(ctx, "ada", null)).rejects.toMatchObject({
      code: "rate_limited",
      message: "Too many sign-in attempts for this account. Try again in 1 second.",
      headers: { "retry-after": "1" },
    });
    expect(made).toHaveBeenCalledTimes(1);
  });

  test("a gate without a reply allows the attempt after two seconds", async () => {
    const start = Date.now();
    const { ctx } = contextWith(() => new Promise(() => {}));
    expect(await admitSignIn(ctx, "ada", null)).toMatchObject({ budget: null });
    expect(Date.now() - start).toBeGreaterThan(1_900);
  });

  test("a gate that cannot record an outcome does not fail the sign-in", async () => {
    const { ctx } = contextWith(failing({}));
    signInSucceeded(ctx, { gate: "g", budget: "", deviceToken: null });
    expect(await Promise.all(deferred)).toEqual([undefined]);
  });
});
