import { describe, expect, onTestFinished, test } from "vitest";
import { startEmbeddings } from "../../../dev/embeddings/start-thread.ts";
import { startEmbeddingServer } from "../../../dev/embeddings/server.ts";
import { encoderModel, type Embed } from "../../../dev/embeddings/encoder.ts";
import { localEmbedding } from "../../../src/models/providers/defaults.ts";
import { openEmbeddingModel, openProvider } from "../../../src/models/providers/registry.ts";

/** Starts a server whose vectors are the lengths of the texts. */
async function startServer(embed: Embed = async (texts) => texts.map(({ length }) => [length])) {
  const { host, close } = await startEmbeddingServer(embed);
  onTestFinished(close);
  return async (path: string, body?: unknown) => {
    const init = body === undefined ? {} : { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) };
    const reply = await fetch(`http://${host}${path}`, init);
    return [reply.status, await reply.json()] as const;
  };
}

describe("the embedding server", () => {
  test("it returns one vector for each text, in OpenAI's format", async () => {
    const ask = await startServer();
    const reply = await ask("/v1/embeddings", { model: encoderModel, input: ["one", "three"], encoding_format: "float" });
    expect(reply).toEqual([
      200,
      {
        object: "list",
        model: encoderModel,
        data: [
          { object: "embedding", index: 0, embedding: [3] },
          { object: "embedding", index: 1, embedding: [5] },
        ],
        usage: { prompt_tokens: 3, total_tokens: 3 },
      },
    ]);
    expect(await ask("/v1/embeddings", { model: encoderModel, input: "four" })).toMatchObject([
      200,
      { data: [{ embedding: [4] }] },
    ]);
    expect(await ask("/v1/models")).toMatchObject([200, { data: [{ id: encoderModel }] }]);
  });

  test.each([
    ["an unknown model", { model: "other", input: "text" }],
    ["an empty text", { model: encoderModel, input: ["text", ""] }],
    ["no text", { model: encoderModel, input: [] }],
    ["a body that is not JSON", "{"],
  ])("it refuses %s", async (_case, body) => {
    const ask = await startServer();
    expect(await ask("/v1/embeddings", body)).toMatchObject([400, { error: { type: "invalid_request_error" } }]);
    expect(await ask("/v1/completions", {})).toMatchObject([404, {}]);
  });

  test("it answers after a failure", async () => {
    let calls = 0;
    const ask = await startServer(async (texts) => {
      calls += 1;
      if (calls === 1) throw new Error("out of memory");
      return texts.map(() => [1]);
    });
    const body = { model: encoderModel, input: "text" };
    const replies = await Promise.all([ask("/v1/embeddings", body), ask("/v1/embeddings", body)]);
    expect(replies).toMatchObject([
      [500, { error: { message: "out of memory" } }],
      [200, { data: [{}] }],
    ]);
  });
});

test("the provider `local` embeds with the encoder, which compares meanings and not words", async () => {
  const { url, close } = await startEmbeddings();
  onTestFinished(async () => void (await close()));
  const model = await openEmbeddingModel(localEmbedding, { embeddingsUrl: url });
  const values = ["How do I get my money back?", "Refunds are paid within 14 days.", "How do I get my car back on the road?"];
  const { embeddings } = await model.doEmbed({ values });
  const [question, answer, other] = embeddings as [number[], number[], number[]];
  const cosine = (a: number[], b: number[]) => a.reduce((sum, value, index) => sum + value * b[index]!, 0);
  expect(embeddings.map(({ length }) => length)).toEqual([512, 512, 512]);
  expect(cosine(question, question)).toBeCloseTo(1, 5);
  expect(cosine(question, answer)).toBeGreaterThan(cosine(other, answer));
  expect(await openProvider("local").test(encoderModel, { embeddingsUrl: url })).toMatchObject({
    success: true,
    response: "A vector of 512 numbers.",
  });
});

test("without a server, the provider `local` says that there is none", async () => {
  const provider = openProvider("local");
  expect(provider.unavailable({})).toContain("EMBEDDINGS_URL is not set");
  await expect(provider.embeddingModel(encoderModel, {})).rejects.toThrow("There is no local embedding server");
});
