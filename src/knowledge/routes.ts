import { Hono } from "hono";
import { requirePermission } from "../auth/middleware.ts";
import { requireUserId } from "../auth/current-user.ts";
import { route, type AppEnv } from "../http/route.ts";
import { IdParam } from "../kit/http/zod-schemas.ts";
import { maxBases, maxChunks, maxDatasets } from "./constants.ts";
import { baseOf } from "./queries.ts";
import * as s from "./schemas.ts";
import { changeBase, createBase, deleteBase, getBase, listBases, removeDataset, rollBack } from "./service.ts";
import { datasets } from "./indexing/dataset-source.ts";
import { startBuild } from "./indexing/start-build.ts";

const ok = { success: true as const };
const tag = "Knowledge";
const reading = requirePermission("datasets.read");
const writing = requirePermission("datasets.write");

/** At /api/v2/knowledge-bases. */
export const knowledgeBases = new Hono<AppEnv>();

knowledgeBases.get(
  "/",
  route(
    {
      id: "listKnowledgeBases",
      summary: "List your knowledge bases",
      tag,
      access: reading,
      query: s.BasesQuery,
      reply: s.BaseList,
      errors: ["database_unavailable"],
    },
    async ({ ctx, query }) => {
      const { items, ...page } = await listBases(ctx, requireUserId(ctx), query);
      return { ...ok, knowledge_bases: items.map(baseOf), ...page };
    },
  ),
);

knowledgeBases.post(
  "/",
  route(
    {
      id: "createKnowledgeBase",
      summary: "Create a knowledge base",
      description: `The embedding model of a knowledge base cannot be changed. At most ${maxBases} knowledge bases per user.`,
      tag,
      access: writing,
      body: s.NewBase,
      replayResponse: async ({ ctx, resultId }) => ({
        ...ok,
        knowledge_base: baseOf(await getBase(ctx, requireUserId(ctx), Number(resultId))),
      }),
      reply: s.BaseReply,
      status: 201,
      errors: ["conflict", "database_unavailable"],
    },
    async ({ ctx, body }) => ({ ...ok, knowledge_base: baseOf(await createBase(ctx, requireUserId(ctx), body)) }),
  ),
);

knowledgeBases.get(
  "/:id",
  route(
    {
      id: "getKnowledgeBase",
      summary: "Get a knowledge base and the status of its newest build",
      tag,
      access: reading,
      params: IdParam,
      reply: s.BaseReply,
      errors: ["not_found", "database_unavailable"],
    },
    async ({ ctx, c, params }) => {
      const row = await getBase(ctx, requireUserId(ctx), params.id);
      c.header("etag", `"${row.version}"`);
      return { ...ok, knowledge_base: baseOf(row) };
    },
  ),
);

knowledgeBases.patch(
  "/:id",
  route(
    {
      id: "updateKnowledgeBase",
      summary: "Update the name or description of a knowledge base",
      tag,
      access: writing,
      ifMatch: true,
      params: IdParam,
      body: s.BaseChange,
      reply: s.BaseReply,
      errors: ["not_found", "conflict", "database_unavailable"],
    },
    async ({ ctx, c, params, body, expectedVersion }) => {
      const row = await changeBase(ctx, requireUserId(ctx), params.id, body, expectedVersion);
      c.header("etag", `"${row.version}"`);
      return { ...ok, knowledge_base: baseOf(row) };
    },
  ),
);

knowledgeBases.delete(
  "/:id",
  route(
    {
      id: "deleteKnowledgeBase",
      summary: "Delete a knowledge base",
      description: "Deletes all its builds too. Minions that use it lose their knowledge base. Fails while a build is running.",
      tag,
      access: writing,
      params: IdParam,
      reply: s.BaseDone,
      errors: ["not_found", "conflict", "database_unavailable"],
    },
    async ({ ctx, params }) => {
      await deleteBase(ctx, requireUserId(ctx), params.id);
      return { ...ok, message: "Knowledge base deleted." };
    },
  ),
);

knowledgeBases.delete(
  "/:id/datasets/:dataset_id",
  route(
    {
      id: "removeDatasetFromKnowledgeBase",
      summary: "Remove a dataset from a knowledge base",
      description: "Creates a build without the dataset immediately. You can roll back to the previous build.",
      tag,
      access: writing,
      params: s.DatasetParams,
      reply: s.BaseReply,
      errors: ["not_found", "conflict", "database_unavailable"],
    },
    async ({ ctx, params }) => ({
      ...ok,
      knowledge_base: baseOf(await removeDataset(ctx, requireUserId(ctx), params.id, params.dataset_id)),
    }),
  ),
);

knowledgeBases.post(
  "/:id/index",
  route(
    {
      id: "indexKnowledgeBase",
      summary: "Index datasets into a knowledge base",
      description: `Starts a job; the field \`build\` of the knowledge base shows its progress. Searches use the previous build until the new one is complete, and you can roll back to it. A failed build changes nothing; its \`error\` gives the reason. At most ${maxDatasets} datasets and ${maxChunks} chunks.`,
      tag,
      access: writing,
      params: IdParam,
      body: s.IndexBody,
      reply: s.BaseReply,
      status: 202,
      errors: ["not_found", "conflict", "database_unavailable"],
    },
    async ({ ctx, params, body }) => ({
      ...ok,
      knowledge_base: baseOf(await startBuild(ctx, requireUserId(ctx), params.id, body, datasets)),
    }),
  ),
);

knowledgeBases.post(
  "/:id/rollback",
  route(
    {
      id: "rollBackKnowledgeBase",
      summary: "Roll back to the previous build",
      description: "A second rollback returns to the newer build.",
      tag,
      access: writing,
      params: IdParam,
      reply: s.BaseReply,
      errors: ["not_found", "conflict", "database_unavailable"],
    },
    async ({ ctx, params }) => ({ ...ok, knowledge_base: baseOf(await rollBack(ctx, requireUserId(ctx), params.id)) }),
  ),
);
