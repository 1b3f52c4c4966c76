import { describe, expect, test } from "vitest";
import { toAppError } from "../../../src/kit/db/errors.ts";
import { EgressError, type EgressReason } from "../../../src/kit/egress/fetch.ts";
import { ProviderError, providerError, type ProviderFailure } from "../../../src/models/gateway/errors.ts";
import { openai } from "../../../src/models/providers/vendors/openai.ts";
import { workersAi } from "../../../src/models/providers/vendors/workers-ai.ts";

const describeError = (error: unknown) => {
  const { code, status, message, headers } = toAppError(error, {})!;
  return { code, status, message, retryAfter: headers["retry-after"] };
};

describe("the error for a provider failure", () => {
  test.each<[ProviderFailure, number]>([
    ["refused", 502],
    ["model_missing", 502],
    ["key_rejected", 502],
    ["no_credit", 502],
    ["rate_limited", 429],
    ["unavailable", 502],
    ["timed_out", 502],
    ["not_configured", 503],
  ])("%s becomes %i with our own text", (kind, status) => {
    const error = new ProviderError(kind, openai);
    expect(describeError(error)).toMatchObject({ code: `provider_${kind}`, status, message: error.message });
  });

  test.each<[ProviderFailure, number]>([
    ["allowance_exhausted", 429],
    ["allowance_unavailable", 503],
  ])("%s becomes %i and is our own error", (kind, status) => {
    expect(describeError(new ProviderError(kind, workersAi))).toMatchObject({ code: kind, status });
  });

  test("the Retry-After of the provider is passed on", () => {
    expect(describeError(new ProviderError("rate_limited", openai, { retryAfterSeconds: 6.2 })).retryAfter).toBe("7");
    expect(describeError(new ProviderError("rate_limited", openai)).retryAfter).toBe("5");
    expect(describeError(new ProviderError("allowance_exhausted", workersAi, { retryAfterSeconds: 3_600 })).retryAfter).toBe(
      "3600",
    );
    expect(describeError(new ProviderError("key_rejected", openai)).retryAfter).toBeUndefined();
  });
});

describe("an error of guarded fetch", () => {
  test.each<[EgressReason, string, number, ProviderFailure]>([
    ["refused", "egress_refused", 422, "refused"],
    ["redirected", "egress_refused", 422, "refused"],
    ["too_large", "provider_unavailable", 502, "refused"],
    ["timed_out", "provider_timed_out", 502, "timed_out"],
    ["unreachable", "provider_unavailable", 502, "unavailable"],
  ])("%s becomes %s (%i), and in a provider call %s", (reason, code, status, kind) => {
    const error = new EgressError(reason, "In our words.");
    expect(describeError(error)).toMatchObject({ code, status, message: "In our words." });
    expect(providerError(error, openai)).toMatchObject({ kind });
  });
});

test("an internal error has a generic message", () => {
  expect(toAppError(new TypeError("x is not a function"), {})).toBeUndefined();
});
