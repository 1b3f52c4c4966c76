DROP INDEX "outbox_by_user";--> statement-breakpoint
ALTER TABLE "outbox" ALTER COLUMN "due_at" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "failed_jobs" ADD COLUMN "code" text DEFAULT 'internal' NOT NULL;--> statement-breakpoint
ALTER TABLE "outbox" ADD COLUMN "lease" text;--> statement-breakpoint
ALTER TABLE "outbox" ADD COLUMN "attempts" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "outbox" ADD COLUMN "lost_attempts" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "users_by_creation" ON "users" USING brin ("created_at");--> statement-breakpoint
CREATE INDEX "conversations_by_creation" ON "conversations" USING brin ("created_at");--> statement-breakpoint
CREATE INDEX "messages_by_creation" ON "messages" USING brin ("created_at");--> statement-breakpoint
CREATE INDEX "model_calls_by_creation" ON "model_calls" USING brin ("created_at");--> statement-breakpoint
CREATE INDEX "outbox_by_user" ON "outbox" USING btree ("user_id","name");