CREATE INDEX "users_by_creation" ON "users" USING brin ("created_at");--> statement-breakpoint
CREATE INDEX "conversations_by_creation" ON "conversations" USING brin ("created_at");--> statement-breakpoint
CREATE INDEX "messages_by_creation" ON "messages" USING brin ("created_at");--> statement-breakpoint
CREATE INDEX "model_calls_by_creation" ON "model_calls" USING brin ("created_at");