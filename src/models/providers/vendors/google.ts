import * as z from "zod";
import { Length } from "../../gateway/provider-numbers.ts";
import { fetchProviderJson, kindByName, listOf, summarize } from "../list-models.ts";
import { httpProvider } from "../sdk-provider.ts";

const Listing = z.object({
  models: listOf(
    z.object({
      /** `models/…` */
      name: z.string(),
      displayName: z.string().optional(),
      inputTokenLimit: Length,
      supportedGenerationMethods: z.array(z.string()).optional(),
    }),
  ),
});

/** https://ai.google.dev/api */
export const google = httpProvider({
  name: "google",
  display_name: "Google Gemini",
  icon: "♊",
  color: "#4285f4",
  base_url: "https://generativelanguage.googleapis.com/v1beta",
  requires_api_key: true,
  supports_tools: true,
  supports_embeddings: true,
  supports_fine_tuning: false,
  has_public_model_list: false,
  // As of 2026-10.
  models: ["gemini-3.8-flash", "gemini-2.5-flash", "gemini-embedding-001"],
  async open(connection) {
    const { createGoogle } = await import("@ai-sdk/google");
    return createGoogle(connection);
  },
  async list(connection) {
    const { models } = await fetchProviderJson(connection, `${connection.baseURL}/models?pageSize=1000`, Listing, {
      headers: { "x-goog-api-key": connection.apiKey ?? "" },
    });
    return models.flatMap(({ name, displayName, inputTokenLimit, supportedGenerationMethods = [] }) => {
      const modelId = name.replace(/^models\//, "");
      const isLanguage = supportedGenerationMethods.includes("generateContent") && kindByName(modelId) === "language";
      if (!isLanguage && !supportedGenerationMethods.includes("embedContent")) return [];
      return summarize(connection.provider, {
        model_id: modelId,
        kind: isLanguage ? "language" : "embedding",
        display_name: displayName ?? modelId,
        context_length: inputTokenLimit,
        supports_tools: isLanguage,
      });
    });
  },
});
