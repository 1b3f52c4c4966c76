ALTER TABLE "messages" ADD COLUMN "terms" "tsvector";--> statement-breakpoint
CREATE INDEX "messages_by_terms" ON "messages" USING gin ("terms");--> statement-breakpoint
CREATE INDEX "messages_without_terms" ON "messages" USING btree ("user_id","id") WHERE "messages"."terms" is null;