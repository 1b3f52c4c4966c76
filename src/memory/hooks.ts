import { eq, getTableColumns } from "drizzle-orm";
import type { Ctx } from "../context.ts";
import type { Statement } from "../kit/db/commit.ts";
import { memoryFacts, memorySettings } from "./tables.ts";

/** The memories of a user's minions. They are deleted with the minions. */
export function exportUser({ db }: Ctx, userId: number): Record<string, Statement> {
  const { text_hash: _hash, ...columns } = getTableColumns(memoryFacts);
  return {
    memory_settings: db.select().from(memorySettings).where(eq(memorySettings.user_id, userId)),
    memory_facts: db.select(columns).from(memoryFacts).where(eq(memoryFacts.user_id, userId)).orderBy(memoryFacts.id),
  };
}
