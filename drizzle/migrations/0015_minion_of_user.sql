DROP INDEX "minions_of_user";--> statement-breakpoint
ALTER TABLE "spirit_minions" ADD CONSTRAINT "minion_of_user" UNIQUE("user_id","id");