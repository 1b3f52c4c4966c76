import type { EventFields } from "./event-log.ts";

/** A call to a model, as far as a line of the log shows it. */
export type ModelCall = {
  provider: string;
  model_id: string;
  input_tokens: number;
  output_tokens: number;
  cache_read_tokens: number;
  /** In micro-dollars; null if no price is known. */
  cost_micro_usd: number | null;
  /** The providers whose attempts failed, in order. */
  failed_providers: readonly string[];
};

/** Sums up the model calls of one event. */
export class ModelUsage {
  readonly #calls: ModelCall[] = [];

  add(call: ModelCall): void {
    this.#calls.push(call);
  }

  /** The fields of the event's line; none without a call. The model is that of the last call. */
  fields(): EventFields {
    const last = this.#calls.at(-1);
    if (last === undefined) return {};
    const sum = (of: (call: ModelCall) => number) => this.#calls.reduce((total, call) => total + of(call), 0);
    const failed = this.#calls.flatMap(({ failed_providers }) => failed_providers);
    const priced = this.#calls.filter(({ cost_micro_usd }) => cost_micro_usd !== null);
    return {
      provider: last.provider,
      model: last.model_id,
      model_calls: this.#calls.length,
      input_tokens: sum(({ input_tokens }) => input_tokens),
      output_tokens: sum(({ output_tokens }) => output_tokens),
      cached_tokens: sum(({ cache_read_tokens }) => cache_read_tokens),
      ...(priced.length === 0 ? {} : { cost_micro_usd: sum(({ cost_micro_usd }) => cost_micro_usd ?? 0) }),
      ...(failed.length === 0 ? {} : { failed_attempts: failed.length, failed_provider: failed.at(-1)! }),
    };
  }
}
