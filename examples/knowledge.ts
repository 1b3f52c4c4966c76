/** Datasets and knowledge bases: what was read of a document, how it is searched, and how a build is undone. */
import { indexDatasets, register, step, uploadDocument, type KnowledgeBase } from "./support.ts";

const user = await register();

step("Upload a document and see how it was read");
const dataset = await uploadDocument(user, "examples/documents/bicycle-shop.md");
type Report = { rows: number; kept: number; problems: { message: string }[]; quality_score: number };
const { report } = await user.get<{ report: Report }>(`/api/v2/datasets/${dataset.id}/report`);
console.log(
  `${dataset.name}, ${dataset.format}: ${report.kept} of ${report.rows} rows kept, ${report.problems.length} problems, quality ${report.quality_score}`,
);
const { rows } = await user.get<{ rows: { kind: string; text: string }[] }>(`/api/v2/datasets/${dataset.id}/rows?limit=1`);
console.log(`The first row is ${rows[0]!.kind} of ${rows[0]!.text.length} characters.`);

step("Index it in a knowledge base");
const { knowledge_base: base } = await user.post<{ knowledge_base: KnowledgeBase }>("/api/v2/knowledge-bases", {
  name: "Handbook",
});
const indexed = await indexDatasets(user, base.id, [dataset.id]);
console.log(`Build ${indexed.build!.id} is ${indexed.build!.status}: ${indexed.chunk_count} chunks.`);

step("Search it");
type Passage = { text: string; score: number; source: string };
for (const query of ["What does an electric bicycle cost?", "When does the workshop close?"]) {
  const { passages } = await user.post<{ passages: Passage[] }>(`/api/v2/knowledge-bases/${base.id}/query`, {
    query,
    top_k: 1,
  });
  console.log(`${query}\n  ${passages[0]!.text.trim().split("\n").at(-1)}`);
}

step("Add a second document, then return to the build before");
const more = await uploadDocument(user, "examples/documents/delivery.txt");
const extended = await indexDatasets(user, base.id, [more.id]);
console.log(`With ${more.name} it has ${extended.chunk_count} chunks.`);
const { knowledge_base: before } = await user.post<{ knowledge_base: KnowledgeBase }>(
  `/api/v2/knowledge-bases/${base.id}/rollback`,
);
console.log(`After the rollback it has ${before.chunk_count} chunks.`);
