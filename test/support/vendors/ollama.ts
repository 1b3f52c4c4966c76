import { openaiChat } from "./openai-chat.ts";
import type { Json, Protocol } from "./script.ts";

/** Ollama: OpenAI's protocol below /v1, and its own API for what is installed (https://docs.ollama.com/api). */
export const ollama: Protocol = {
  ...openaiChat("", {}),
  reply(path, body, text) {
    if (path === "/api/tags") return { models: Object.keys(installed).map((name) => ({ name, model: name, size: 1 })) };
    if (path === "/api/show") return installed[String(body.model)];
    return path.startsWith("/v1") ? openaiChat("", {}).reply(path.slice("/v1".length), body, text) : undefined;
  },
};

const installed: Record<string, Json> = {
  "llama3.2:latest": {
    details: { family: "llama", parameter_size: "3.2B" },
    model_info: {
      "general.architecture": "llama",
      "general.parameter_count": 3_212_749_888,
      "llama.context_length": 131_072,
    },
    capabilities: ["completion", "tools", "vision"],
  },
  "nomic-embed-text:latest": {
    details: { family: "nomic-bert" },
    model_info: {
      "general.architecture": "nomic-bert",
      "general.parameter_count": 136_727_040,
      "nomic-bert.context_length": 2_048,
    },
    capabilities: ["embedding"],
  },
};
