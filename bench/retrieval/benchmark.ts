import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "pg";
import { connect } from "../../dev/postgres/connect.ts";
import { openEmbeddedPostgres } from "../../dev/postgres/embedded-postgres.ts";
import { startNeonBridge } from "../../dev/postgres/bridge/neon-bridge.ts";
import { embedWithEncoder } from "../../dev/embeddings/encoder.ts";
import { startEmbeddingServer } from "../../dev/embeddings/server.ts";
import { UserError } from "../../dev/user-error.ts";
import { migrate } from "../../drizzle/migrate.ts";
import type { Ctx } from "../../src/context.ts";
import { retrievalMethods } from "../../src/knowledge/constants.ts";
import { searchBase } from "../../src/knowledge/search/query.ts";
import { builtinDefaults, localEmbedding } from "../../src/models/providers/defaults.ts";
import { createTestContexts, testBindings } from "../../test/support/in-process-context.ts";
import { indexSet, type IndexedSet } from "./index-set.ts";
import { judgeAnswer, printAnswers, type JudgedAnswer } from "./judge-answers.ts";
import { judge, type Figures } from "./judge.ts";
import { readQuestions, splits, type Split } from "./questions/read-questions.ts";
import { publicSets } from "./sets/public-sets.ts";
import type { PublicSet, SetQuestion } from "./sets/types.ts";
import { cachedEmbed } from "./vector-cache.ts";

/** The built-in embedding model and the sentence encoder of development. */
const models = { builtin: builtinDefaults.embedding, encoder: localEmbedding };

/** Discards the messages that are sent after a commit. */
const silentBindings = {
  JOBS: { send: async () => undefined },
  USER_HUB: { getByName: () => ({ push: async () => undefined }) },
};

/**
 * Measures how well the questions of a split find their passages in public sets, by set, by language and by method.
 * @param folder where the sets are checked out, as `<folder>/<owner>/<repository>`
 */
export async function benchRetrieval(folder: string, split: Split): Promise<void> {
  assertFilled(folder);
  const questions = await readQuestions(split);
  const postgres = await openEmbeddedPostgres();
  const client = await connect(postgres.url);
  const bridge = await startNeonBridge({ databaseUrl: postgres.url });
  const embeddings = await startEmbeddingServer(cachedEmbed(embedWithEncoder, join(folder, "vectors.sqlite")));
  try {
    await migrate(postgres.url);
    const contexts = createTestContexts(
      testBindings(bridge.url, { ...silentBindings, EMBEDDINGS_URL: `http://${embeddings.host}` }),
    );
    for (const [name, model] of Object.entries(models)) {
      console.log(`\nSplit ${split}, embedding model ${name}\n${header}`);
      const measured: Measured[] = [];
      for (const set of publicSets.filter(({ name: each }) => questions.has(each))) {
        const ctx = contexts.context(`bench ${name} ${set.name}`);
        measured.push(await measureSet(ctx, client, { set, folder, model, questions: questions.get(set.name) ?? [] }));
        printRows(set.name, measured.at(-1)!.results);
      }
      for (const [language, own] of Map.groupBy(measured, ({ set }) => set.language)) {
        printRows(
          language,
          own.flatMap(({ results }) => results),
        );
      }
      console.log("\nThe extractive model, with hybrid retrieval");
      for (const { set, answers } of measured) printAnswers(set.name, answers);
      printAnswers(
        "all",
        measured.flatMap(({ answers }) => answers),
      );
    }
  } finally {
    await embeddings.close();
    await bridge.close();
    await client.end();
    await postgres.close();
  }
}

type Method = (typeof retrievalMethods)[number];
type Result = { method: Method; question: SetQuestion; passages: Awaited<ReturnType<typeof searchBase>>[number]["passages"] };
type Measured = { set: PublicSet; results: Result[]; answers: JudgedAnswer[] };

async function measureSet(
  ctx: Ctx,
  client: Client,
  { set, folder, model, questions }: { set: PublicSet; folder: string; model: string; questions: readonly SetQuestion[] },
): Promise<Measured> {
  const { documents } = await set.read(join(folder, set.repository));
  const heldOut = await heldOutDocuments(set.name);
  const kept = documents.filter(({ name }) => !heldOut.has(name));
  const base = await indexSet(ctx, client, { name: `${set.name} ${model}`, documents: kept, model });
  const answerable = questions.filter(({ targets }) => targets.length > 0);
  const asked = questions.map(({ question }) => ({ query: question, top_k: 10, method: "hybrid" as const }));
  const retrieved = await searchInGroups(ctx, base, asked);
  const answers: JudgedAnswer[] = [];
  for (const [index, question] of questions.entries()) answers.push(await judgeAnswer(question, retrieved[index]!.passages));
  const results: Result[] = [];
  for (const method of retrievalMethods) {
    const queries = answerable.map(({ question }) => ({ query: question, top_k: 10, method }));
    const found = await searchInGroups(ctx, base, queries);
    results.push(...answerable.map((question, index) => ({ method, question, passages: found[index]!.passages })));
  }
  return { set, results, answers };
}

/** The questions of one request, which Postgres answers within its time on a busy machine. */
const groupSize = 5;

async function searchInGroups(ctx: Ctx, base: IndexedSet, questions: Parameters<typeof searchBase>[3]) {
  const found: Awaited<ReturnType<typeof searchBase>> = [];
  for (let from = 0; from < questions.length; from += groupSize) {
    found.push(...(await searchBase(ctx, base.user_id, base.id, questions.slice(from, from + groupSize))));
  }
  return found;
}

/** The documents that are left out of a set, in either split, so that both splits search the same documents. */
async function heldOutDocuments(name: string): Promise<Set<string>> {
  const all = await Promise.all(splits.map(async (split) => (await readQuestions(split)).get(name) ?? []));
  return new Set(all.flat().flatMap(({ held_out }) => (held_out === undefined ? [] : [held_out])));
}

const columns = ["recall@1", "recall@5", "recall@10", "MRR@10", "nDCG@10"] as const satisfies (keyof Figures)[];
const header = [
  "set".padEnd(12),
  "method".padEnd(10),
  "questions".padStart(9),
  ...columns.map((name) => name.padStart(10)),
].join(" ");

function printRows(name: string, results: readonly Result[]): void {
  for (const [method, own] of Map.groupBy(results, (result) => result.method)) {
    const figures = judge(own);
    const cells = columns.map((column) => figures[column].toFixed(3).padStart(10));
    console.log([name.padEnd(12), method.padEnd(10), String(own.length).padStart(9), ...cells].join(" "));
  }
}

/** @throws UserError that says how to fill the folder */
function assertFilled(folder: string): void {
  const missing = publicSets.filter(({ repository, files }) =>
    files.some((file) => !existsSync(join(folder, repository, file))),
  );
  if (missing.length === 0) return;
  const commands = new Set(
    missing.map(
      ({ repository, commit }) =>
        `git clone https://github.com/${repository} ${join(folder, repository)} && git -C ${join(folder, repository)} checkout ${commit}`,
    ),
  );
  throw new UserError(`Sets are missing in ${folder}. Get them with:\n${[...commands].join("\n")}`);
}
