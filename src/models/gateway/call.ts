import { untilAborted } from "../../kit/async/abort.ts";
import { ProviderError, providerError, providerFailures } from "./errors.ts";
import type { ProviderIdentity } from "../constants.ts";
import { noTokens, type Attempt, type TokenCounts, type UsageRecord } from "./usage-record.ts";

/** A model that may answer a call, opened when its turn comes. */
export type Candidate<Model> = { provider: ProviderIdentity; modelId: string; open(): Promise<Model> };

/** The first is asked first, the others in their order should it fail. */
export type Candidates<Model> = readonly [Candidate<Model>, ...Candidate<Model>[]];

export type CallOptions = {
  /** Milliseconds that each model has to its first token. Only a stream has one. */
  firstTokenMs?: number;
  /** Milliseconds that a stream may say nothing for once it has begun; for ever unless told. */
  stallTimeoutMs?: number;
  /** Milliseconds that the whole call has, pauses and failed attempts included. */
  callMs?: number;
  /** The longest `Retry-After` that is waited for, in milliseconds. */
  maxWaitMs?: number;
  /** Milliseconds before a model is asked again that did not say when. */
  pauseMs?: number;
  /** Takes the one record that a call leaves, before the caller has the end of it. */
  onUsage?(record: UsageRecord): void;
  /** Told of a candidate whose key was rejected. */
  onBadKey?(candidate: Candidate<unknown>, error: ProviderError): void;
};

/** One call: what was tried, the deadline over all of it, and the record it leaves. */
export class GatewayCall<Model> {
  readonly #candidates: Candidates<Model>;
  readonly #options: CallOptions;
  readonly #caller: AbortSignal | undefined;
  readonly #deadline = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #startedAt = performance.now();
  readonly #attempts: Attempt[] = [];
  #asked: Candidate<Model>;
  #firstTokenMs: number | null = null;
  #hasEnded = false;
  /** Aborted by the caller, or when the time of the call is up. */
  readonly signal: AbortSignal;

  constructor(candidates: Candidates<Model>, options: CallOptions, caller: AbortSignal | undefined) {
    this.#candidates = candidates;
    this.#asked = candidates[0];
    this.#options = options;
    this.#caller = caller;
    this.signal = caller === undefined ? this.#deadline.signal : AbortSignal.any([caller, this.#deadline.signal]);
    this.#timer = setTimeout(() => this.abort(), options.callMs ?? 120_000);
  }

  /**
   * Asks one candidate after the other until one answers; the last of them twice, if it was out of order.
   * @param withinMs that each of them has
   * @throws ProviderError of the last that was asked, or the reason of the caller who aborted
   */
  async run<Answer>(attempt: (model: Model, signal: AbortSignal) => PromiseLike<Answer>, withinMs?: number): Promise<Answer> {
    for (const [index, candidate] of this.#candidates.entries()) {
      const isLast = index === this.#candidates.length - 1;
      let outcome = await this.#try(candidate, attempt, withinMs);
      const pause = "failure" in outcome ? this.#pauseAfter(outcome.failure, isLast) : undefined;
      if (pause !== undefined) {
        await this.#pause(pause);
        outcome = await this.#try(candidate, attempt, withinMs);
      }
      if (!("failure" in outcome)) return outcome.value;
      const isOver = isLast || this.signal.aborted || providerFailures[outcome.failure.kind].action === "end";
      if (isOver) throw this.fail(outcome.failure);
    }
    throw new RangeError("there is no candidate");
  }

  async #try<Answer>(
    candidate: Candidate<Model>,
    attempt: (model: Model, signal: AbortSignal) => PromiseLike<Answer>,
    withinMs: number | undefined,
  ): Promise<{ value: Answer } | { failure: ProviderError }> {
    this.#asked = candidate;
    const startedAt = performance.now();
    const own = new AbortController();
    const timer = withinMs === undefined ? undefined : setTimeout(() => own.abort(this.#timedOut()), withinMs);
    const signal = AbortSignal.any([this.signal, own.signal]);
    const note = (outcome: Attempt["outcome"], status: number | null) =>
      this.#attempts.push({ ...referenceOf(candidate), outcome, status, latency_ms: elapsed(startedAt) });
    try {
      const value = await untilAborted(signal, async () => attempt(await candidate.open(), signal));
      note("answered", null);
      return { value };
    } catch (cause) {
      const reason: unknown = signal.aborted ? signal.reason : cause;
      own.abort(reason);
      if (this.#caller?.aborted === true) {
        note("stopped", null);
        throw this.fail(reason);
      }
      const failure = providerError(reason, candidate.provider);
      note(failure.kind, failure.status);
      if (failure.kind === "key_rejected") this.#options.onBadKey?.(candidate, failure);
      return { failure };
    } finally {
      clearTimeout(timer);
    }
  }

  /** Milliseconds after which the same model is asked once more; undefined where it is not. */
  #pauseAfter({ kind, retryAfterSeconds }: ProviderError, isLast: boolean): number | undefined {
    const { pauseMs = 500, maxWaitMs = 3_000 } = this.#options;
    const waits = providerFailures[kind].action === "wait";
    if (waits && retryAfterSeconds !== null) {
      return retryAfterSeconds * 1000 <= maxWaitMs ? retryAfterSeconds * 1000 : undefined;
    }
    return isLast && (waits || kind === "unavailable") ? pauseMs : undefined;
  }

  async #pause(ms: number): Promise<void> {
    try {
      await untilAborted(this.signal, () => new Promise((resolve) => setTimeout(resolve, ms)));
    } catch (reason) {
      throw this.fail(reason);
    }
  }

  /** How long a stream may be silent, in milliseconds. */
  get stallTimeoutMs(): number | undefined {
    return this.#options.stallTimeoutMs;
  }

  /** Ends the call for having lasted, or been silent, too long: what waits for its signal is told. */
  abort(): void {
    this.#deadline.abort(this.#timedOut());
  }

  /** Says that the first token is here. */
  markFirstToken(): void {
    this.#firstTokenMs = elapsed(this.#startedAt);
  }

  complete(tokens: TokenCounts): void {
    this.#end("complete", null, tokens);
  }

  /** Ends a call whose caller wants no more. */
  cancel(tokens: TokenCounts): void {
    this.#end("stopped", null, tokens);
  }

  /** Ends a call for a reason, and returns what its caller is told: a ProviderError, or the reason of their own abort. */
  fail(reason: unknown, tokens = noTokens): unknown {
    if (this.#caller?.aborted === true) {
      this.cancel(tokens);
      return this.#caller.reason;
    }
    const failure = providerError(reason, this.#asked.provider);
    this.#end("failed", failure.code, tokens);
    return failure;
  }

  #end(outcome: UsageRecord["outcome"], errorCode: UsageRecord["error_code"], tokens: TokenCounts): void {
    clearTimeout(this.#timer);
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#options.onUsage?.({
      ...referenceOf(this.#asked),
      ...tokens,
      outcome,
      error_code: errorCode,
      latency_ms: elapsed(this.#startedAt),
      first_token_ms: this.#firstTokenMs,
      attempts: this.#attempts,
    });
  }

  #timedOut(): ProviderError {
    return new ProviderError("timed_out", this.#asked.provider);
  }
}

function referenceOf({ provider, modelId }: Candidate<unknown>) {
  return { provider: provider.name, model_id: modelId };
}

function elapsed(since: number): number {
  return Math.round(performance.now() - since);
}
