import type { Env } from "../../env.ts";
import type { ModelSummary } from "../constants.ts";

type Kind = ModelSummary["kind"];

/** What is part of this server, and always there. */
export const builtinDefaults = {
  language: "builtin/extractive",
  embedding: "builtin/hashing-384",
} as const satisfies Record<Kind, string>;

/** What runs at Workers AI, where that is bound. */
export const boundDefaults = {
  language: "workers-ai/@cf/meta/llama-3.3-70b-instruct-fp8-fast",
  embedding: "workers-ai/@cf/baai/bge-base-en-v1.5",
} as const satisfies Record<Kind, string>;

/** The model, as `provider/model`, of what names none: one of Workers AI where that is bound, else a built-in one. */
export function defaultModel({ AI }: Pick<Env, "AI">, kind: Kind): string {
  return (AI === undefined ? builtinDefaults : boundDefaults)[kind];
}
