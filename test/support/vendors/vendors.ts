import type { ProviderName } from "../../../src/models/providers/providers.ts";
import { anthropic } from "./anthropic.ts";
import { cohere } from "./cohere.ts";
import { google } from "./google.ts";
import { ollama } from "./ollama.ts";
import { openaiChat } from "./openai-chat.ts";
import { openaiResponses } from "./openai-responses.ts";
import type { Json, Protocol } from "./script.ts";

export type HttpProvider = Exclude<ProviderName, "builtin" | "workers-ai" | "local">;

type FakedVendor = {
  protocol: Protocol;
  model: string;
  /** Left out where the provider embeds nothing. */
  embedding?: string;
  /** What the base URL ends in, where the protocol has paths outside of it. */
  suffix?: string;
  /** What is understood of its list, a model a line: kind, name, tokens of context, and what it can beside chatting. */
  lists: string[];
};

const list = (...data: Json[]) => ({ object: "list", data: data.map((each) => ({ object: "model", ...each })) });

/** The fake of each HTTP provider, and the model that tests use. */
const vendors = {
  openai: {
    protocol: openaiResponses("/v1", list({ id: "gpt-6-luna" }, { id: "text-embedding-3-small" }, { id: "whisper-1" })),
    model: "gpt-6-luna",
    embedding: "text-embedding-3-small",
    lists: ["language gpt-6-luna ? tools", "embedding text-embedding-3-small ?"],
  },
  anthropic: {
    protocol: anthropic,
    model: "claude-sonnet-5-5",
    lists: ["language claude-sonnet-5-5 1000000 tools"],
  },
  google: {
    protocol: google,
    model: "gemini-3.8-flash",
    embedding: "gemini-embedding-001",
    lists: ["language gemini-3.8-flash 1048576 tools", "embedding gemini-embedding-001 2048"],
  },
  mistral: {
    protocol: openaiChat(
      "/v1",
      list(
        {
          id: "mistral-small-2603",
          name: "mistral-small-2603",
          max_context_length: 262_144,
          capabilities: { completion_chat: true, function_calling: true, vision: true },
        },
        { id: "mistral-ocr-latest", capabilities: { completion_chat: false, function_calling: false } },
        { id: "mistral-embed", capabilities: { completion_chat: false, function_calling: false } },
      ),
      "choice",
    ),
    model: "mistral-small-2603",
    embedding: "mistral-embed",
    lists: ["language mistral-small-2603 262144 tools vision", "embedding mistral-embed ?"],
  },
  cohere: {
    protocol: cohere,
    suffix: "/v2",
    model: "command-a-03-2025",
    embedding: "embed-multilingual-v3.0",
    lists: ["language command-a-03-2025 256000 tools", "embedding embed-multilingual-v3.0 512"],
  },
  groq: {
    protocol: openaiChat(
      "/openai/v1",
      list(
        { id: "llama-3.3-70b-versatile", active: true, context_window: 131_072 },
        { id: "gone", active: false },
        { id: "whisper-large-v3", active: true },
      ),
      "x_groq",
    ),
    model: "llama-3.3-70b-versatile",
    lists: ["language llama-3.3-70b-versatile 131072 tools"],
  },
  openrouter: {
    protocol: openaiChat(
      "/api/v1",
      list(
        { id: "meta/llama-3.3-70b", name: "Llama 3.3", context_length: 131_072, supported_parameters: ["tools"] },
        { id: "some/poet", name: "Poet", context_length: 8_192, supported_parameters: ["temperature"] },
      ),
    ),
    model: "meta/llama-3.3-70b",
    embedding: "some/text-embedding",
    lists: ["language meta/llama-3.3-70b 131072 tools", "language some/poet 8192"],
  },
  together: {
    protocol: openaiChat("/v1", [
      { id: "openai/gpt-oss-120b", type: "chat", display_name: "GPT OSS 120B", context_length: 131_072 },
      { id: "BAAI/bge-large", type: "embedding", context_length: 512 },
      { id: "black-forest/flux", type: "image" },
    ]),
    model: "openai/gpt-oss-120b",
    embedding: "BAAI/bge-large",
    lists: ["language openai/gpt-oss-120b 131072 tools", "embedding BAAI/bge-large 512"],
  },
  huggingface: {
    protocol: openaiChat(
      "/v1",
      list({
        id: "openai/gpt-oss-120b",
        providers: [
          { provider: "a", context_length: 131_072, supports_tools: true },
          { provider: "b", context_length: 65_536 },
        ],
      }),
    ),
    model: "openai/gpt-oss-120b",
    lists: ["language openai/gpt-oss-120b 131072 tools"],
  },
  nvidia: {
    protocol: openaiChat("/v1", list({ id: "nvidia/nemotron-3-nano-30b-a3b", owned_by: "nvidia", max_model_len: 32_768 })),
    model: "nvidia/nemotron-3-nano-30b-a3b",
    lists: ["language nvidia/nemotron-3-nano-30b-a3b 32768 tools"],
  },
  moonshotai: {
    protocol: openaiChat("/v1", list({ id: "kimi-k2.6", context_length: 262_144, supports_image_in: true })),
    model: "kimi-k2.6",
    lists: ["language kimi-k2.6 262144 tools vision"],
  },
  ollama: {
    protocol: ollama,
    model: "llama3.2:latest",
    embedding: "nomic-embed-text:latest",
    lists: ["language llama3.2:latest 131072 tools vision", "embedding nomic-embed-text:latest 2048"],
  },
  custom: {
    protocol: openaiChat("/my/v1", list({ id: "my-model" })),
    model: "my-model",
    embedding: "my-embedder",
    lists: ["language my-model ? tools"],
  },
} satisfies Record<HttpProvider, FakedVendor>;

export const httpProviders = Object.keys(vendors) as HttpProvider[];

export function fakedVendor(name: HttpProvider): FakedVendor {
  return vendors[name];
}
