import { renderPassages } from "../../gateway/passage-block.ts";
import { modelFailed, modelWorked, unknownModel, type ModelTest, type Provider } from "../provider.ts";
import { builtinModels, identity } from "./models.ts";

/**
 * Creates the provider of the built-in models.
 * @param connectable display names of the other providers, which the language model lists when it has no passages
 */
export function builtinProvider(connectable: readonly string[]): Provider<"builtin"> {
  return {
    ...identity,
    icon: "📖",
    color: "#64748b",
    base_url: null,
    requires_api_key: false,
    supports_streaming: true,
    supports_tools: false,
    supports_embeddings: true,
    supports_fine_tuning: false,
    has_public_model_list: false,
    models: builtinModels.map(({ model_id }) => model_id),
    unavailable: () => null,
    async languageModel(modelId) {
      if (modelId !== "extractive") throw unknownModel(`builtin/${modelId}`);
      const { extractiveModel } = await import("./extractive.ts");
      return extractiveModel(connectable);
    },
    async embeddingModel(modelId) {
      if (modelId !== "hashing-384") throw unknownModel(`builtin/${modelId}`);
      const { hashingModel } = await import("./hashing-embedding.ts");
      return hashingModel();
    },
    describe: (modelId) => builtinModels.find(({ model_id }) => model_id === modelId),
    async listModels() {
      return builtinModels;
    },
    async test(modelId) {
      if (modelId === "extractive") return testExtractive();
      if (modelId === "hashing-384") return testHashing();
      return modelFailed(unknownModel(`builtin/${modelId}`).message);
    },
  };
}

async function testExtractive(): Promise<ModelTest> {
  const { extractiveModel } = await import("./extractive.ts");
  const system = renderPassages([{ text: "This model quotes what was retrieved.", source: "self-test", score: 1 }]);
  const { content } = await extractiveModel([]).doGenerate({
    prompt: [
      { role: "system", content: system },
      { role: "user", content: [{ type: "text", text: "What does the model quote?" }] },
    ],
  });
  const text = content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("");
  return text.includes("[1] self-test") ? modelWorked(text) : modelFailed("The model did not quote the passage.");
}

async function testHashing(): Promise<ModelTest> {
  const { dimensions, hashingModel } = await import("./hashing-embedding.ts");
  const { embeddings } = await hashingModel().doEmbed({ values: ["one text"] });
  const length = embeddings[0]?.length;
  return length === dimensions
    ? modelWorked(`A vector of ${length} numbers.`)
    : modelFailed(`The model returned a vector of ${length} numbers instead of ${dimensions}.`);
}
