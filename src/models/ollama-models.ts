import * as z from "zod";
import type { Ctx } from "../context.ts";
import { operatorFetch } from "./providers/guarded-fetch.ts";
import { ProviderError } from "./gateway/errors.ts";
import { toCount } from "./gateway/provider-numbers.ts";
import { fetchProviderJson, listOf } from "./providers/list-models.ts";
import { ollama } from "./providers/vendors/ollama.ts";
import type { LocalModel } from "./schemas.ts";
import { mapLimited } from "../kit/async/map-limited.ts";

/** Reads the models of the operator's Ollama server (https://docs.ollama.com/api). */

const text = z.string().nullish().catch(null);

const Tags = z.object({
  models: listOf(
    z.object({
      name: z.string(),
      size: z.int().min(0).nullish().catch(null),
      modified_at: text,
      details: z.object({ family: text, parameter_size: text, quantization_level: text }).nullish().catch(null),
    }),
  ),
});

const Shown = z.object({
  capabilities: z.array(z.string()).nullish().catch(null),
  model_info: z.record(z.string(), z.unknown()).nullish().catch(null),
  /** Lines with a name and a value. */
  parameters: text,
  system: text,
  license: text,
  details: z.object({ quantization_level: text, parameter_size: text }).nullish().catch(null),
});

type Tagged = z.output<typeof Tags>["models"][number];

/** The number of concurrent requests: an invocation has six connections. */
const concurrency = 5;
const maxLocalModels = 100;

/** Lists the models of the operator's Ollama server, uncached. If the server fails, the result has a warning. Without a server, no request is made. */
export async function localModels({ env }: Pick<Ctx, "env">): Promise<{ models: LocalModel[]; warnings: string[] }> {
  const url = env.OLLAMA_URL.replace(/\/+$/, "");
  if (url === "") return { models: [], warnings: [] };
  const fetch = operatorFetch(url);
  const ask = <T>(path: string, schema: z.ZodType<T>, init: RequestInit = {}) =>
    fetchProviderJson({ provider: ollama, fetch }, `${url}${path}`, schema, init);
  try {
    const { models: tagged } = await ask("/api/tags", Tags);
    const models = await mapLimited(concurrency, tagged.slice(0, maxLocalModels), async (tag) => {
      const headers = { "content-type": "application/json" };
      const body = JSON.stringify({ model: tag.name });
      return localModel(tag, await ask("/api/show", Shown, { method: "POST", headers, body }));
    });
    const left = tagged.length - models.length;
    return { models, warnings: left > 0 ? [`${left} more local models are not listed (limit: ${maxLocalModels}).`] : [] };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return { models: [], warnings: [`Local models cannot be listed: ${error.message}`] };
  }
}

function localModel({ name, size, modified_at, details }: Tagged, shown: z.output<typeof Shown>): LocalModel {
  const { model_info: info, capabilities, parameters = null, system, license } = shown;
  const reported = info?.["general.architecture"];
  const architecture = typeof reported === "string" ? reported : (details?.family ?? null);
  const context = info?.[`${architecture}.context_length`];
  return {
    name,
    size: size ?? null,
    modified: modified_at ?? null,
    capabilities: capabilities ?? [],
    architecture,
    parameters: details?.parameter_size ?? shown.details?.parameter_size ?? null,
    context_length: toCount(context) || null,
    quantization: details?.quantization_level ?? shown.details?.quantization_level ?? null,
    temperature: numberIn(parameters, "temperature"),
    top_p: numberIn(parameters, "top_p"),
    system_prompt: system ?? null,
    license: license ?? null,
    avatar_url: null,
    type: "ollama",
    ollama_name: name,
  };
}

/** Reads a value from Ollama's parameter lines. */
function numberIn(parameters: string | null, name: string): number | null {
  const [, value] = new RegExp(`^${name}\\s+(\\S+)\\s*$`, "m").exec(parameters ?? "") ?? [];
  return value === undefined || !Number.isFinite(Number(value)) ? null : Number(value);
}
