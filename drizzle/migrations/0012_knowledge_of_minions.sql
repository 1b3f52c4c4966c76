-- A minion looks things up in its owner's knowledge alone, and in none once that is deleted. Minions come before knowledge, so their tables cannot say it.
ALTER TABLE "spirit_minions" ADD CONSTRAINT "minion_knowledge_base_owned" FOREIGN KEY ("user_id", "knowledge_base_id") REFERENCES "knowledge_bases" ("user_id", "id") ON DELETE SET NULL ("knowledge_base_id");--> statement-breakpoint
CREATE INDEX "minions_by_knowledge_base" ON "spirit_minions" ("knowledge_base_id") WHERE "knowledge_base_id" IS NOT NULL;
