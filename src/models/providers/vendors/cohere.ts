import * as z from "zod";
import { Length } from "../../gateway/provider-numbers.ts";
import { fetchProviderJson, bearer, listOf, summarize } from "../list-models.ts";
import { httpProvider } from "../sdk-provider.ts";

const Listing = z.object({
  models: listOf(
    z.object({
      name: z.string(),
      endpoints: z.array(z.string()).default([]),
      context_length: Length,
      features: z.array(z.string()).nullish().catch(null),
    }),
  ),
});

/** https://docs.cohere.com/v2/reference/chat */
export const cohere = httpProvider({
  name: "cohere",
  display_name: "Cohere",
  icon: "🪸",
  color: "#39594d",
  base_url: "https://api.cohere.com/v2",
  requires_api_key: true,
  supports_tools: true,
  supports_embeddings: true,
  supports_fine_tuning: false,
  has_public_model_list: false,
  // As of 2026-07.
  models: ["command-a-03-2025", "command-r7b-12-2024", "embed-multilingual-v3.0"],
  async open(connection) {
    const { createCohere } = await import("@ai-sdk/cohere");
    return createCohere(connection);
  },
  async list(connection) {
    // The model list exists only in version 1 of the API.
    const url = `${connection.baseURL.replace(/\/v2$/, "/v1")}/models?page_size=1000`;
    const { models } = await fetchProviderJson(connection, url, Listing, { headers: bearer(connection.apiKey) });
    return models.flatMap(({ name, endpoints, context_length, features }) => {
      const kind = endpoints.includes("chat") ? "language" : "embedding";
      if (!endpoints.includes("chat") && !endpoints.includes("embed")) return [];
      return summarize(connection.provider, {
        model_id: name,
        kind,
        context_length,
        supports_tools: kind === "language" && (features?.includes("tools") ?? true),
      });
    });
  },
});
