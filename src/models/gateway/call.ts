import { raceAbort } from "../../kit/async/abort.ts";
import { ProviderError, providerError, providerFailures } from "./errors.ts";
import type { ProviderIdentity } from "../constants.ts";
import { noTokens, type Attempt, type TokenCounts, type UsageRecord } from "./usage-record.ts";

/** A model that may answer a call. It is opened only when it is tried. */
export type Candidate<Model> = { provider: ProviderIdentity; modelId: string; open(): Promise<Model> };

/** Candidates in order: each is tried if the ones before it fail. */
export type Candidates<Model> = readonly [Candidate<Model>, ...Candidate<Model>[]];

export type CallOptions = {
  /** The timeout per model until the first token of a stream, in ms. */
  firstTokenMs?: number;
  /** The maximum silence of a started stream, in ms. Default: no limit. */
  stallTimeoutMs?: number;
  /** The timeout of the whole call, including pauses and failed attempts, in ms. */
  callMs?: number;
  /** The longest `Retry-After` to wait for, in ms. */
  maxWaitMs?: number;
  /** The pause before a retry without `Retry-After`, in ms. */
  pauseMs?: number;
  /** Receives the usage record of the call, before the caller receives the end of the call. */
  onUsage?(record: UsageRecord): void;
  /** Called when the key of a candidate is rejected. */
  onBadKey?(candidate: Candidate<unknown>, error: ProviderError): void;
};

/** One call: its attempts, its deadline and its usage record. */
export class GatewayCall<Model> {
  readonly #candidates: Candidates<Model>;
  readonly #options: CallOptions;
  readonly #caller: AbortSignal | undefined;
  readonly #deadline = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #startedAt = performance.now();
  readonly #attempts: Attempt[] = [];
  #current: Candidate<Model>;
  #firstTokenMs: number | null = null;
  #hasEnded = false;
  /** Aborted by the caller or by the deadline. */
  readonly signal: AbortSignal;

  constructor(candidates: Candidates<Model>, options: CallOptions, caller: AbortSignal | undefined) {
    this.#candidates = candidates;
    this.#current = candidates[0];
    this.#options = options;
    this.#caller = caller;
    this.signal = caller === undefined ? this.#deadline.signal : AbortSignal.any([caller, this.#deadline.signal]);
    this.#timer = setTimeout(() => this.abort(), options.callMs ?? 120_000);
  }

  /**
   * Tries the candidates in order until one answers. The last one is retried once if it was unavailable.
   * @param withinMs the timeout of each attempt
   * @throws ProviderError of the last attempt, or the abort reason of the caller
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
    throw new RangeError("The call has no candidates.");
  }

  async #try<Answer>(
    candidate: Candidate<Model>,
    attempt: (model: Model, signal: AbortSignal) => PromiseLike<Answer>,
    withinMs: number | undefined,
  ): Promise<{ value: Answer } | { failure: ProviderError }> {
    this.#current = candidate;
    const startedAt = performance.now();
    const own = new AbortController();
    const timer = withinMs === undefined ? undefined : setTimeout(() => own.abort(this.#timedOut()), withinMs);
    const signal = AbortSignal.any([this.signal, own.signal]);
    const note = (outcome: Attempt["outcome"], status: number | null) =>
      this.#attempts.push({ ...referenceOf(candidate), outcome, status, latency_ms: elapsed(startedAt) });
    try {
      const value = await raceAbort(signal, async () => attempt(await candidate.open(), signal));
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

  /** The pause before a retry of the same model, in ms; undefined for no retry. */
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
      await raceAbort(this.signal, () => new Promise((resolve) => setTimeout(resolve, ms)));
    } catch (reason) {
      throw this.fail(reason);
    }
  }

  /** The maximum silence of a stream, in ms. */
  get stallTimeoutMs(): number | undefined {
    return this.#options.stallTimeoutMs;
  }

  /** Aborts the call with a timeout error. */
  abort(): void {
    this.#deadline.abort(this.#timedOut());
  }

  /** Records the time of the first token. */
  markFirstToken(): void {
    this.#firstTokenMs = elapsed(this.#startedAt);
  }

  complete(tokens: TokenCounts): void {
    this.#end("complete", null, tokens);
  }

  /** Ends a call that its caller stopped. */
  cancel(tokens: TokenCounts): void {
    this.#end("stopped", null, tokens);
  }

  /** Ends a failed call. @returns the error for the caller: a ProviderError, or the reason of their own abort */
  fail(reason: unknown, tokens = noTokens): unknown {
    if (this.#caller?.aborted === true) {
      this.cancel(tokens);
      return this.#caller.reason;
    }
    const failure = providerError(reason, this.#current.provider);
    this.#end("failed", failure.code, tokens);
    return failure;
  }

  #end(outcome: UsageRecord["outcome"], errorCode: UsageRecord["error_code"], tokens: TokenCounts): void {
    clearTimeout(this.#timer);
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#options.onUsage?.({
      ...referenceOf(this.#current),
      ...tokens,
      outcome,
      error_code: errorCode,
      latency_ms: elapsed(this.#startedAt),
      first_token_ms: this.#firstTokenMs,
      attempts: this.#attempts,
    });
  }

  #timedOut(): ProviderError {
    return new ProviderError("timed_out", this.#current.provider);
  }
}

function referenceOf({ provider, modelId }: Candidate<unknown>) {
  return { provider: provider.name, model_id: modelId };
}

function elapsed(since: number): number {
  return Math.round(performance.now() - since);
}
