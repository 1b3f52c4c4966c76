import * as z from "zod";
import { mapLimited } from "../../../kit/async/map-limited.ts";
import type { ModelSummary } from "../../constants.ts";
import { toCount } from "../../gateway/provider-numbers.ts";
import { billions, fetchProviderJson, bearer, kindByName, listOf, summarize } from "../list-models.ts";
import type { Connection } from "../provider.ts";
import { httpProvider } from "../sdk-provider.ts";

const Tags = z.object({ models: listOf(z.object({ name: z.string() })) });

/** Ollama's data of a model. `model_info` contains the context length under the name of the architecture. */
const Shown = z.object({
  capabilities: z.array(z.string()).nullish().catch(null),
  model_info: z.record(z.string(), z.unknown()).nullish().catch(null),
});

/** The number of concurrent requests: an invocation has six connections. */
const concurrency = 5;

const identity = { name: "ollama", display_name: "Ollama" } as const;

/** https://docs.ollama.com/api. The base URL is that of the server, with or without `/v1`. */
export const ollama = httpProvider({
  ...identity,
  icon: "🦙",
  color: "#1f2937",
  base_url: null,
  requires_api_key: false,
  supports_tools: true,
  supports_embeddings: true,
  supports_fine_tuning: false,
  sends_reasoning: true,
  has_public_model_list: false,
  models: [],
  /** Summarizes a model of the operator's server by its name. */
  describe(modelId) {
    const kind = kindByName(modelId);
    const known = { model_id: modelId, display_name: modelId, supports_tools: kind === "language" };
    return kind === undefined ? undefined : summarize(identity, { ...known, kind });
  },
  async open(connection) {
    const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
    return createOpenAICompatible({ name: "ollama", includeUsage: true, ...connection, baseURL: `${rootOf(connection)}/v1` });
  },
  async list(connection) {
    const { models } = await fetchProviderJson(connection, `${rootOf(connection)}/api/tags`, Tags, {
      headers: bearer(connection.apiKey),
    });
    return mapLimited(concurrency, models, ({ name }) => show(connection, name));
  },
});

function rootOf({ baseURL }: Pick<Connection, "baseURL">): string {
  return baseURL.replace(/\/v1$/, "");
}

async function show(connection: Connection, model: string): Promise<ModelSummary> {
  const { capabilities, model_info } = await fetchProviderJson(connection, `${rootOf(connection)}/api/show`, Shown, {
    method: "POST",
    headers: { "content-type": "application/json", ...bearer(connection.apiKey) },
    body: JSON.stringify({ model }),
  });
  const architecture = model_info?.["general.architecture"];
  const parameters = model_info?.["general.parameter_count"];
  const context = model_info?.[`${String(architecture)}.context_length`];
  const kind: ModelSummary["kind"] = capabilities?.includes("embedding") ? "embedding" : "language";
  const known = {
    model_id: model,
    kind,
    ...(typeof parameters === "number" ? { parameters_billions: billions(Math.round(parameters / 1e8) / 10) } : {}),
    context_length: toCount(context) || null,
    architecture: typeof architecture === "string" ? architecture : null,
    supports_tools: kind === "language" && (capabilities?.includes("tools") ?? true),
  };
  return summarize(connection.provider, known, capabilities?.includes("vision"));
}
