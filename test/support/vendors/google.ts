import { script, type Json, type Protocol, type SseEvent } from "./script.ts";

type Content = { parts: Json[] };

/** Google's generateContent and its stream (https://ai.google.dev/api/generate-content). */
export const google: Protocol = {
  base: "/v1beta",
  key: (headers) => headers["x-goog-api-key"],
  reply(path, body, text) {
    if (path === "/models") return models;
    const method = path.split(":")[1];
    if (method === "embedContent") return { embedding: { values: script.vector } };
    if (method === "batchEmbedContents") {
      return { embeddings: (body.requests as Json[]).map(() => ({ values: script.vector })) };
    }
    if (method !== "generateContent" && method !== "streamGenerateContent") return undefined;
    const hasResult = (body.contents as Content[]).some(({ parts }) => parts.some((part) => "functionResponse" in part));
    const callsTool = body.tools !== undefined && !hasResult;
    const call = [{ functionCall: { name: script.toolCall.name, args: script.toolCall.input } }];
    if (method === "generateContent") return piece(callsTool ? call : [{ text: text.join("") }], "STOP");
    const parts = callsTool ? [call] : text.map((words) => [{ text: words }]);
    return parts.map((each, index): SseEvent => ({
      data: piece(each, index === parts.length - 1 ? "STOP" : undefined),
    }));
  },
  failure: (status, message) => ({ error: { code: status, message, status: "SOME_STATUS" } }),
};

const models = {
  models: [
    {
      name: "models/gemini-3.8-flash",
      displayName: "Gemini 3.8 Flash",
      inputTokenLimit: 1_048_576,
      supportedGenerationMethods: ["generateContent", "countTokens"],
    },
    {
      name: "models/gemini-embedding-001",
      displayName: "Gemini Embedding",
      inputTokenLimit: 2_048,
      supportedGenerationMethods: ["embedContent"],
    },
    { name: "models/imagen-5", displayName: "Imagen 5", supportedGenerationMethods: ["predict"] },
  ],
};

function piece(parts: Json[], finishReason?: string): Json {
  return {
    responseId: "resp-1",
    candidates: [{ index: 0, content: { role: "model", parts }, ...(finishReason === undefined ? {} : { finishReason }) }],
    usageMetadata: {
      promptTokenCount: script.usage.input,
      cachedContentTokenCount: script.usage.cached,
      candidatesTokenCount: script.usage.output,
      totalTokenCount: script.usage.input + script.usage.output,
    },
  };
}
