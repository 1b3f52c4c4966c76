import { providerDisplayNames } from "../../constants.ts";
import { modelFailed, modelWorked, unknownModel, type ModelTest, type Provider } from "../provider.ts";
import { renderPassages } from "../../gateway/passage-block.ts";
import { extractiveModel } from "./extractive.ts";
import { dimensions, hashingModel } from "./hashing-embedding.ts";
import { builtinModels } from "./models.ts";

/** The models that are part of this server, and what they are. */
export const builtin: Provider = {
  name: "builtin",
  display_name: providerDisplayNames.builtin,
  icon: "📖",
  color: "#64748b",
  base_url: null,
  requires_api_key: false,
  supports_streaming: true,
  supports_tools: false,
  supports_embeddings: true,
  supports_fine_tuning: false,
  models: builtinModels.map(({ model_id }) => model_id),
  unavailable: () => null,
  async languageModel(modelId) {
    if (modelId !== "extractive") throw unknownModel(`builtin/${modelId}`);
    return extractiveModel(connectable());
  },
  async embeddingModel(modelId) {
    if (modelId !== "hashing-384") throw unknownModel(`builtin/${modelId}`);
    return hashingModel();
  },
  async listModels() {
    return builtinModels;
  },
  async test(modelId) {
    if (modelId === "extractive") return testExtractive();
    if (modelId === "hashing-384") return testHashing();
    return modelFailed(unknownModel(`builtin/${modelId}`).message);
  },
};

/** Names of the providers whose models can be connected. */
function connectable(): string[] {
  return Object.entries(providerDisplayNames).flatMap(([name, display]) => (name === "builtin" ? [] : [display]));
}

async function testExtractive(): Promise<ModelTest> {
  const system = renderPassages([{ text: "This model quotes what was retrieved.", source: "self-test", score: 1 }]);
  const { content } = await extractiveModel([]).doGenerate({
    prompt: [
      { role: "system", content: system },
      { role: "user", content: [{ type: "text", text: "What does the model quote?" }] },
    ],
  });
  const said = content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("");
  return said.includes("[1] self-test") ? modelWorked(said) : modelFailed("It did not quote the passage it was given.");
}

async function testHashing(): Promise<ModelTest> {
  const { embeddings } = await hashingModel().doEmbed({ values: ["one text"] });
  const length = embeddings[0]?.length;
  return length === dimensions ? modelWorked(`A vector of ${length} numbers.`) : modelFailed(`It made ${length} numbers.`);
}
