import type { Env } from "../../env.ts";
import type { ModelSummary } from "../constants.ts";

type Kind = ModelSummary["kind"];

/** The built-in models, which are always available. */
export const builtinDefaults = {
  language: "builtin/extractive",
  embedding: "builtin/hashing-384",
} as const satisfies Record<Kind, string>;

/** The Workers AI models, which are available if Workers AI is bound. */
export const boundDefaults = {
  language: "workers-ai/@cf/meta/llama-3.3-70b-instruct-fp8-fast",
  embedding: "workers-ai/@cf/baai/bge-base-en-v1.5",
} as const satisfies Record<Kind, string>;

/** The default model, as `provider/model`: of Workers AI if it is bound, otherwise a built-in one. */
export function defaultModel({ AI }: Pick<Env, "AI">, kind: Kind): string {
  return (AI === undefined ? builtinDefaults : boundDefaults)[kind];
}
