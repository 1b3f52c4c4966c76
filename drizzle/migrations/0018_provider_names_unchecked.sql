ALTER TABLE "external_models" DROP CONSTRAINT "model_provider_known";--> statement-breakpoint
ALTER TABLE "model_calls" DROP CONSTRAINT "call_provider_known";--> statement-breakpoint
ALTER TABLE "model_prices" DROP CONSTRAINT "price_provider_known";