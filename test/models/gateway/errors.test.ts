import { describe, expect, test } from "vitest";
import { toAppError } from "../../../src/kit/db/errors.ts";
import { EgressError, type EgressReason } from "../../../src/kit/egress/fetch.ts";
import { ProviderError, providerError, type ProviderFailure } from "../../../src/models/gateway/errors.ts";
import { openai } from "../../../src/models/providers/vendors/openai.ts";
import { workersAi } from "../../../src/models/providers/vendors/workers-ai.ts";

const told = (error: unknown) => {
  const { code, status, message, headers } = toAppError(error, {})!;
  return { code, status, message, retryAfter: headers["retry-after"] };
};

describe("what clients are told of a provider that failed", () => {
  test.each<[ProviderFailure, number]>([
    ["refused", 502],
    ["model_missing", 502],
    ["key_rejected", 502],
    ["no_credit", 502],
    ["rate_limited", 429],
    ["unavailable", 502],
    ["timed_out", 502],
    ["not_configured", 503],
  ])("%s is %i, in our words", (kind, status) => {
    const error = new ProviderError(kind, openai);
    expect(told(error)).toMatchObject({ code: `provider_${kind}`, status, message: error.message });
  });

  test.each<[ProviderFailure, number]>([
    ["allowance_exhausted", 429],
    ["allowance_unavailable", 503],
  ])("%s is %i, and ours", (kind, status) => {
    expect(told(new ProviderError(kind, workersAi))).toMatchObject({ code: kind, status });
  });

  test("says when to come back, as the provider does", () => {
    expect(told(new ProviderError("rate_limited", openai, { retryAfterSeconds: 6.2 })).retryAfter).toBe("7");
    expect(told(new ProviderError("rate_limited", openai)).retryAfter).toBe("5");
    expect(told(new ProviderError("allowance_exhausted", workersAi, { retryAfterSeconds: 3_600 })).retryAfter).toBe("3600");
    expect(told(new ProviderError("key_rejected", openai)).retryAfter).toBeUndefined();
  });
});

describe("what the guard of outgoing calls ended", () => {
  test.each<[EgressReason, string, number, ProviderFailure]>([
    ["refused", "egress_refused", 422, "refused"],
    ["redirected", "egress_refused", 422, "refused"],
    ["too_large", "provider_unavailable", 502, "refused"],
    ["timed_out", "provider_timed_out", 502, "timed_out"],
    ["unreachable", "provider_unavailable", 502, "unavailable"],
  ])("as %s is %s (%i), and in a call to a provider %s", (reason, code, status, kind) => {
    const error = new EgressError(reason, "In our words.");
    expect(told(error)).toMatchObject({ code, status, message: "In our words." });
    expect(providerError(error, openai)).toMatchObject({ kind });
  });
});

test("a defect of ours is told as nothing", () => {
  expect(toAppError(new TypeError("x is not a function"), {})).toBeUndefined();
});
