import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import type { LanguageModelV4, LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { AppError } from "../../../src/kit/errors.ts";
import { gatewayModel } from "../../../src/models/gateway/gateway.ts";
import type { CallOptions } from "../../../src/models/gateway/call.ts";
import { ProviderError, type ProviderFailure } from "../../../src/models/gateway/errors.ts";
import { languageCandidate } from "../../../src/models/providers/registry.ts";
import type { UsageRecord } from "../../../src/models/gateway/usage-record.ts";
import { providerKey } from "../../support/canary.ts";
import { scriptedText, script, vendorWords } from "../../support/vendors/script.ts";
import { hugeText, startVendor, type FakeVendor, type Fault } from "../../support/vendors/server.ts";
import { fakedVendor, httpProviders } from "../../support/vendors/vendors.ts";
import { partsOf, question, textIn } from "../support/models.ts";

const apiKey = providerKey("of-the-faults");

/** The failure for each status, and whether the next model is called. */
const statuses: [status: number, kind: ProviderFailure, movesOn: boolean][] = [
  [400, "refused", false],
  [401, "key_rejected", false],
  [402, "no_credit", true],
  [403, "key_rejected", false],
  [404, "model_missing", true],
  [408, "unavailable", true],
  [413, "refused", false],
  [422, "refused", false],
  [429, "rate_limited", true],
  [500, "unavailable", true],
  [503, "unavailable", true],
  [529, "unavailable", true],
];

describe.each(httpProviders)("%s behind the gateway", (name) => {
  const { protocol, model, suffix = "" } = fakedVendor(name);
  let vendor: FakeVendor;
  let records: UsageRecord[] = [];
  let badKeys: string[] = [];

  beforeAll(async () => {
    vendor = await startVendor(protocol, apiKey);
  });
  afterAll(() => vendor.close());

  /** The vendor first, then the model that is built in; the next calls of the vendor go wrong. */
  function withFaults(faults: Fault[], options: CallOptions = {}, hasFallback = true): LanguageModelV4 {
    records = [];
    badKeys = [];
    vendor.failNext(...faults);
    const first = languageCandidate(`${name}/${model}`, {
      apiKey,
      baseUrl: `${vendor.baseUrl}${suffix}`,
      coalesceDeltas: true,
    });
    return gatewayModel(hasFallback ? [first, languageCandidate("builtin/extractive")] : [first], {
      firstTokenMs: 5_000,
      pauseMs: 1,
      onUsage: (record) => records.push(record),
      onBadKey: ({ provider }) => badKeys.push(provider.name),
      ...options,
    });
  }

  /** Asserts that the error and the record contain no text of the provider. */
  function expectOurs(error: unknown, kind: ProviderFailure): void {
    expect(error).toBeInstanceOf(ProviderError);
    expect(error).toMatchObject({ kind, code: `provider_${kind}`, provider: name });
    const { message, stack, cause, ...rest } = error as ProviderError;
    expect(cause).toBeUndefined();
    const all = JSON.stringify({ message, stack, rest, records });
    expect(all).not.toContain(apiKey);
    expect(all).not.toContain(vendorWords);
  }

  test.each(statuses)("status %i is %s", async (status, kind, movesOn) => {
    const before = vendor.requests.length;
    const reply = withFaults([{ status }]).doStream(question);
    const outcome = await reply.then(
      ({ stream }) => stream.cancel().then(() => "moved on"),
      (error: unknown) => error,
    );
    expect(vendor.requests.length).toBe(before + 1);
    expect(records).toHaveLength(1);
    expect(records[0]!.attempts[0]).toMatchObject({ provider: name, model_id: model, outcome: kind, status });
    expect(outcome === "moved on").toBe(movesOn);
    expect(badKeys).toEqual(kind === "key_rejected" ? [name] : []);
    const alone = await withFaults([{ status }, { status }], {}, false)
      .doGenerate(question)
      .then(undefined, (error) => error);
    expectOurs(alone, kind);
    expect(records).toMatchObject([{ outcome: "failed", error_code: `provider_${kind}`, output_tokens: 0 }]);
  });

  test.each(["bytes", "crlf"] as const)("a stream sent as %s is parsed", async (fault) => {
    const parts = await partsOf(withFaults([fault]));
    expect(textIn(parts)).toBe(scriptedText);
    expect(records).toMatchObject([
      {
        provider: name,
        model_id: model,
        outcome: "complete",
        error_code: null,
        input_tokens: script.usage.input,
        output_tokens: script.usage.output,
        is_estimated: false,
        attempts: [{ outcome: "answered", status: null }],
      },
    ]);
  });

  test("a line of 10 MB is read whole", async () => {
    expect(textIn(await partsOf(withFaults(["huge-line"], { firstTokenMs: 60_000 })))).toBe(hugeText);
  });

  test.each(["cut", "unfinished"] as const)(
    "a stream that is %s in the middle ends with an error and is not retried",
    async (fault) => {
      const parts = await partsOf(withFaults([fault]));
      const partialText = textIn(parts);
      expect(partialText).not.toBe("");
      expect(scriptedText.startsWith(partialText)).toBe(true);
      const last = parts.at(-1)!;
      expect(last.type).toBe("error");
      expectOurs("error" in last && last.error, "unavailable");
      expect(records).toMatchObject([
        { provider: name, outcome: "failed", error_code: "provider_unavailable", is_estimated: true },
      ]);
      expect(records[0]!.output_tokens).toBeGreaterThan(0);
    },
  );

  test("a stall before the answer uses the next model after the timeout", async () => {
    const parts = await partsOf(withFaults(["hang"], { firstTokenMs: 60 }));
    expect(textIn(parts)).toContain("I know nothing yet");
    expect(records).toMatchObject([
      {
        provider: "builtin",
        outcome: "complete",
        attempts: [{ provider: name, outcome: "timed_out" }, { provider: "builtin" }],
      },
    ]);
  });

  test("a stall in the middle ends with an error when the total timeout is over", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const { stream } = await withFaults(["hang-midway"], { callMs: 60_000 }).doStream(question);
    const parts: LanguageModelV4StreamPart[] = [];
    for await (const part of stream) {
      parts.push(part);
      if (part.type === "text-delta") vi.advanceTimersByTime(60_000);
    }
    const last = parts.at(-1)!;
    expect(last.type).toBe("error");
    expectOurs("error" in last && last.error, "timed_out");
    expect(records).toMatchObject([{ provider: name, outcome: "failed", error_code: "provider_timed_out" }]);
  });

  test.each(["doGenerate", "doStream"] as const)("a redirect to our own network is not followed: %s", async (how) => {
    const redirected = withFaults(["redirect"]);
    const error = await redirected[how](question).then(undefined, (cause) => cause);
    expectOurs(error, "refused");
    expect(vendor.redirected()).toBe(0);
  });

  test("an address that guarded fetch refuses has its error text and tries no other model", async () => {
    const refuse: typeof fetch = () => Promise.reject(new AppError("validation_failed", "base_url: is not public."));
    const guarded = languageCandidate(`${name}/${model}`, { apiKey, baseUrl: "https://10.0.0.1", fetch: refuse });
    for (const how of ["doGenerate", "doStream"] as const) {
      const call = gatewayModel([guarded, languageCandidate("builtin/extractive")])[how](question);
      await expect(call).rejects.toMatchObject({ kind: "refused", message: "base_url: is not public." });
    }
  });

  test.each(["cut", "garbage"] as const)("a reply without streaming that is %s uses the next model", async (fault) => {
    const { content } = await withFaults([fault]).doGenerate(question);
    expect(content).toMatchObject([{ type: "text", text: expect.stringContaining("I know nothing yet") as string }]);
    expect(records).toMatchObject([{ provider: "builtin", attempts: [{ outcome: "unavailable" }, { outcome: "answered" }] }]);
  });

  test("a stream of malformed data uses the next model", async () => {
    expect(textIn(await partsOf(withFaults(["garbage"])))).toContain("I know nothing yet");
    expect(records).toMatchObject([{ provider: "builtin", attempts: [{ outcome: "unavailable" }, {}] }]);
  });
});
