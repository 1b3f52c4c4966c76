import * as z from "zod";
import { readText } from "../../kit/async/streams.ts";
import { parseJson } from "../../kit/json.ts";
import { ProviderError, providerError } from "../gateway/errors.ts";
import { Length } from "../gateway/provider-numbers.ts";
import type { ModelSummary, ProviderIdentity } from "../constants.ts";
import type { Connection } from "./provider.ts";

/** The timeout of a model list request, in ms. */
const deadlineMs = 10_000;

/** The largest list, in bytes and in values. The list of OpenRouter has 1 MB. */
const maxListBytes = 8 * 1024 * 1024;
const listLimits = { maxDepth: 64, maxValues: 500_000 };

/** A list that leaves out the entries that are invalid, so that one of them does not hide the others. */
export function listOf<T extends z.ZodType>(entry: T): z.ZodType<z.output<T>[]> {
  return z.array(z.unknown()).transform((entries) =>
    entries.flatMap((each) => {
      const { success, data } = entry.safeParse(each);
      return success ? [data] : [];
    }),
  );
}

/** Fetches JSON from a vendor. @throws ProviderError, also for an invalid response */
export async function fetchProviderJson<T>(
  { provider, fetch }: Pick<Connection, "provider" | "fetch">,
  url: string,
  schema: z.ZodType<T>,
  init: RequestInit,
): Promise<T> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(deadlineMs) });
    if (response.ok) return schema.parse(parseJson(await readText(response.body, maxListBytes), listLimits));
    await response.body?.cancel();
    throw providerError({ statusCode: response.status, responseHeaders: Object.fromEntries(response.headers) }, provider);
  } catch (cause) {
    if (cause instanceof Error && cause.name === "TimeoutError") throw new ProviderError("timed_out", provider);
    throw providerError(cause, provider);
  }
}

export function bearer(apiKey: string | undefined): Record<string, string> {
  return apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
}

/** Names of models for something other than text. */
const notText = /whisper|tts|dall-e|image|imagen|veo|sora|audio|realtime|transcribe|speech|moderation|rerank|orpheus/i;
const embeds = /embed|\bbge-|\be5-|\bgte-/i;

/** Guesses the kind of a model from its name; undefined if it neither answers nor embeds text. */
export function kindByName(modelId: string): ModelSummary["kind"] | undefined {
  if (notText.test(modelId)) return undefined;
  return embeds.test(modelId) ? "embedding" : "language";
}

/** The most parameters that are believed, in billions. */
const maxBillions = 1_000_000;

/** The parameters of a model in billions; null for a number that cannot be. */
export function billions(parameters: unknown): number | null {
  return typeof parameters === "number" && parameters > 0 && parameters <= maxBillions ? parameters : null;
}

type Known = Pick<ModelSummary, "model_id" | "kind" | "supports_tools"> & Partial<ModelSummary>;

/**
 * Summarizes the vendor's data of a model. If the size is unknown, it is parsed from the name (`llama-3.3-70b`).
 * @param hasVision whether the model accepts images
 */
export function summarize(provider: ProviderIdentity, known: Known, hasVision = false): ModelSummary {
  const [, size] = /(?<![a-z0-9.])(\d+(?:\.\d+)?)b(?![a-z0-9])/i.exec(known.model_id) ?? [];
  const isLanguage = known.kind === "language";
  return {
    provider: provider.name,
    provider_display_name: provider.display_name,
    display_name: known.model_id,
    parameters_billions: size === undefined ? null : billions(Number(size)),
    context_length: null,
    architecture: null,
    supports_streaming: isLanguage,
    capabilities: isLanguage
      ? ["chat", ...(known.supports_tools ? ["tools"] : []), ...(hasVision ? ["vision"] : [])]
      : ["embedding"],
    ...known,
  };
}

const names = z.array(z.string()).nullish().catch(null);

/** An entry of a model list in OpenAI's format, with extensions of several vendors. */
const Entry = z.object({
  id: z.string(),
  name: z.string().nullish().catch(null),
  display_name: z.string().nullish().catch(null),
  active: z.boolean().nullish().catch(null),
  /** Together: chat, language, code, embedding, image, … */
  type: z.string().nullish().catch(null),
  context_length: Length,
  context_window: Length,
  max_context_length: Length,
  max_model_len: Length,
  /** OpenRouter. */
  supported_parameters: names,
  /** Mistral. */
  capabilities: z
    .object({ completion_chat: z.boolean(), function_calling: z.boolean(), vision: z.boolean().optional() })
    .nullish()
    .catch(null),
  /** OpenRouter, Hugging Face. */
  architecture: z.object({ input_modalities: names }).nullish().catch(null),
  /** Moonshot. */
  supports_image_in: z.boolean().nullish().catch(null),
  /** Hugging Face: the providers that run the model. */
  providers: z
    .array(z.object({ context_length: Length, supports_tools: z.boolean().nullish().catch(null) }))
    .nullish()
    .catch(null),
});

/** `{ data: […] }`, or Together's plain array. */
const Listing = z.union([z.object({ data: listOf(Entry) }).transform(({ data }) => data), listOf(Entry)]);

/** Lists the models at `GET /models`. @param supportsTools the default for models without this information */
export async function listOpenAiModels(connection: Connection, supportsTools: boolean): Promise<ModelSummary[]> {
  const { baseURL, apiKey } = connection;
  const entries = await fetchProviderJson(connection, `${baseURL}/models`, Listing, { headers: bearer(apiKey) });
  return entries.flatMap((entry) => {
    const kind = kindOf(entry);
    if (kind === undefined || entry.active === false) return [];
    const { supported_parameters, capabilities, providers } = entry;
    const supportsToolCalls =
      supported_parameters?.includes("tools") ??
      capabilities?.function_calling ??
      providers?.some(({ supports_tools }) => supports_tools === true);
    const longest = Math.max(...(providers ?? []).map(({ context_length }) => context_length ?? 0), 0);
    const known = {
      model_id: entry.id,
      kind,
      display_name: entry.display_name ?? entry.name ?? entry.id,
      context_length:
        entry.context_length ?? entry.context_window ?? entry.max_context_length ?? entry.max_model_len ?? (longest || null),
      supports_tools: kind === "language" && (supportsToolCalls ?? supportsTools),
    };
    const hasVision =
      entry.architecture?.input_modalities?.includes("image") ?? capabilities?.vision ?? entry.supports_image_in;
    return summarize(connection.provider, known, hasVision ?? false);
  });
}

function kindOf({ id, type, capabilities }: z.output<typeof Entry>): ModelSummary["kind"] | undefined {
  if (type === "embedding") return "embedding";
  if (typeof type === "string" && ["image", "audio", "video", "moderation", "rerank", "transcribe"].includes(type)) {
    return undefined;
  }
  const kind = kindByName(id);
  return kind === "language" && capabilities?.completion_chat === false ? undefined : kind;
}
