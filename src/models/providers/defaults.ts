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

/** The model of the embedding server, which is available if `EMBEDDINGS_URL` is set. */
export const localEmbedding = "local/universal-sentence-encoder";

/** The default model, as `provider/model`: of Workers AI if it is bound, then of the embedding server, otherwise a built-in one. */
export function defaultModel({ AI, EMBEDDINGS_URL }: Pick<Env, "AI" | "EMBEDDINGS_URL">, kind: Kind): string {
  if (AI !== undefined) return boundDefaults[kind];
  return kind === "embedding" && EMBEDDINGS_URL !== "" ? localEmbedding : builtinDefaults[kind];
}
