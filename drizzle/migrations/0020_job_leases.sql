DROP INDEX "outbox_by_user";--> statement-breakpoint
ALTER TABLE "outbox" ALTER COLUMN "due_at" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "failed_jobs" ADD COLUMN "code" text DEFAULT 'internal' NOT NULL;--> statement-breakpoint
ALTER TABLE "outbox" ADD COLUMN "lease" text;--> statement-breakpoint
ALTER TABLE "outbox" ADD COLUMN "attempts" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "outbox" ADD COLUMN "lost_attempts" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "outbox_by_user" ON "outbox" USING btree ("user_id","name");