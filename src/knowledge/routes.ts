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
      summary: "Make a knowledge base",
      description: `It is for good with one embedding model, since vectors of two do not compare. You may have ${maxBases}.`,
      tag,
      access: writing,
      body: s.NewBase,
      replayResponse: async ({ ctx, resultId: made }) => ({
        ...ok,
        knowledge_base: baseOf(await getBase(ctx, requireUserId(ctx), Number(made))),
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
      summary: "Get a knowledge base, and how its newest build is doing",
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
      summary: "Rename a knowledge base, or describe it",
      tag,
      access: writing,
      ifMatch: true,
      params: IdParam,
      body: s.BaseChange,
      reply: s.BaseReply,
      errors: ["not_found", "conflict", "database_unavailable"],
    },
    async ({ ctx, c, params, body, expectedVersion: seen }) => {
      const row = await changeBase(ctx, requireUserId(ctx), params.id, body, seen);
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
      description: "With all its builds. Minions that point at it point at none.",
      tag,
      access: writing,
      params: IdParam,
      reply: s.BaseDone,
      errors: ["not_found", "database_unavailable"],
    },
    async ({ ctx, params }) => {
      await deleteBase(ctx, requireUserId(ctx), params.id, datasets);
      return { ...ok, message: "The knowledge base is deleted." };
    },
  ),
);

knowledgeBases.delete(
  "/:id/datasets/:dataset_id",
  route(
    {
      id: "removeDatasetFromKnowledgeBase",
      summary: "Take a dataset out of a knowledge base",
      description: "A build without it, at once; the one before can be returned to.",
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
      summary: "Build a knowledge base out of datasets",
      description: `A job: \`build\` of the knowledge base says how it is doing. It is searched once it is complete, and the build before until then, which is kept to return to. A build that fails changes nothing, and says why. At most ${maxDatasets} datasets and ${maxChunks} chunks.`,
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
      summary: "Return to the build before",
      description: "Once more returns to the newer one.",
      tag,
      access: writing,
      params: IdParam,
      reply: s.BaseReply,
      errors: ["not_found", "conflict", "database_unavailable"],
    },
    async ({ ctx, params }) => ({ ...ok, knowledge_base: baseOf(await rollBack(ctx, requireUserId(ctx), params.id)) }),
  ),
);
