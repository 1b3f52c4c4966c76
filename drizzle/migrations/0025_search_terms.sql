CREATE TABLE "knowledge_postings" (
	"part_id" integer NOT NULL,
	"term" text NOT NULL,
	"block" integer NOT NULL,
	"chunk_count" integer NOT NULL,
	"postings" bigint[] NOT NULL,
	CONSTRAINT "knowledge_postings_part_id_term_block_pk" PRIMARY KEY("part_id","term","block"),
	CONSTRAINT "knowledge_posting_count" CHECK ("knowledge_postings"."chunk_count" = cardinality("knowledge_postings"."postings") and "knowledge_postings"."chunk_count" > 0)
);
--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "terms" "tsvector";--> statement-breakpoint
ALTER TABLE "knowledge_parts" ADD COLUMN "analyzed_count" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "knowledge_parts" ADD COLUMN "word_count" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "knowledge_parts" ADD COLUMN "languages" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "knowledge_parts" ADD COLUMN "analyzer_version" integer;--> statement-breakpoint
ALTER TABLE "knowledge_postings" ADD CONSTRAINT "knowledge_postings_part_id_knowledge_parts_id_fk" FOREIGN KEY ("part_id") REFERENCES "public"."knowledge_parts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "messages_by_terms" ON "messages" USING gin ("terms");--> statement-breakpoint
CREATE INDEX "messages_without_terms" ON "messages" USING btree ("user_id","id") WHERE "messages"."terms" is null;--> statement-breakpoint
ALTER TABLE "knowledge_parts" ADD CONSTRAINT "knowledge_part_analyzed" CHECK ("knowledge_parts"."analyzer_version" is null or "knowledge_parts"."analyzed_count" = "knowledge_parts"."chunk_count");