import * as z from "zod";
import { fetchProviderJson, listOf } from "../list-models.ts";
import { microDollars } from "../parse-price.ts";
import { httpProvider } from "../sdk-provider.ts";

/** A provider that runs a model, with its price in dollars per million tokens. */
const Runner = z.object({
  status: z.string().nullish(),
  pricing: z.object({ input: z.number(), output: z.number() }).nullish(),
});

const Priced = z.object({ data: listOf(z.object({ id: z.string(), providers: listOf(Runner).default([]) })) });

/**
 * https://huggingface.co/docs/inference-providers. Its router has OpenAI's Chat Completions API. The SDK's own package for it omits
 * tool results from the conversation, so tools would not work.
 */
export const huggingface = httpProvider({
  name: "huggingface",
  display_name: "Hugging Face",
  icon: "🤗",
  color: "#ffd21e",
  base_url: "https://router.huggingface.co/v1",
  requires_api_key: true,
  supports_tools: true,
  supports_embeddings: false,
  supports_fine_tuning: false,
  sends_reasoning: true,
  has_public_model_list: true,
  // As of 2026-07.
  models: ["openai/gpt-oss-120b", "meta-llama/Llama-3.3-70B-Instruct"],
  /** The highest price of the current providers of a model. The router chooses one of them, and costs must not be reported too low. */
  async listPrices(connection) {
    const url = `${connection.baseURL}/models`;
    const { data } = await fetchProviderJson(connection, url, Priced, {});
    return data.flatMap(({ id, providers }) => {
      const live = providers.flatMap(({ status, pricing }) => (pricing && (status ?? "live") === "live" ? pricing : []));
      const input = microDollars(Math.max(...live.map((each) => each.input)), 1e6);
      const output = microDollars(Math.max(...live.map((each) => each.output)), 1e6);
      if (input === null || output === null) return [];
      return { model_id: id, input, output, cache_read: null, cache_write: null, shutdown_on: null, source: url };
    });
  },
  async open(connection) {
    const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
    return createOpenAICompatible({ name: "huggingface", includeUsage: true, ...connection });
  },
});
