import { eq, sql } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import type { Statement } from "../kit/db.ts";
import { itself } from "./rows.ts";
import { datasets } from "./sources.ts";
import { userOf } from "./starting.ts";
import { knowledgeBases, knowledgeChunks, knowledgeParts } from "./tables.ts";

const resourceName = /^knowledge-base:(\d{1,9})$/;

/** Whether a user has this knowledge base. One round trip. */
export function ownsResource(ctx: Ctx, userId: number, resource: string): Promise<boolean> | undefined {
  const [, id] = resourceName.exec(resource) ?? [];
  if (id === undefined) return undefined;
  const found = ctx.db
    .select({ id: knowledgeBases.id })
    .from(knowledgeBases)
    .where(itself(userId, Number(id)));
  return found.then((rows) => rows.length > 0);
}

/** What is held of a user here. Vectors and words are computed from the texts, and left out. */
export function exportUser({ db }: Ctx, userId: number): Record<string, Statement> {
  const theirs = sql`${knowledgeParts.knowledge_base_id} in (select id from ${knowledgeBases} where ${eq(knowledgeBases.user_id, userId)})`;
  const { text, heading, source, start, end, kind, fields, part_id, position } = knowledgeChunks;
  return {
    knowledge_bases: db.select().from(knowledgeBases).where(eq(knowledgeBases.user_id, userId)),
    knowledge_parts: db.select().from(knowledgeParts).where(theirs),
    knowledge_chunks: db
      .select({ part_id, position, text, heading, source, start, end, kind, fields })
      .from(knowledgeChunks)
      .innerJoin(knowledgeParts, eq(knowledgeParts.id, part_id))
      .where(theirs),
  };
}

/** Deletes knowledge bases before the models that embed them, and lets go of the datasets of their builds; their other rows go with them. */
export async function eraseUser(ctx: Ctx, userId: number): Promise<Statement[]> {
  const theirs = eq(knowledgeBases.user_id, userId);
  return [
    datasets.release(ctx, sql`any (select ${userOf(sql`id`)} from ${knowledgeBases} where ${theirs})`),
    ctx.db.delete(knowledgeBases).where(theirs),
  ];
}
