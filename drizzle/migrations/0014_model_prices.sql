CREATE TABLE "model_prices" (
	"provider" text NOT NULL,
	"model_id" text NOT NULL,
	"from" date NOT NULL,
	"input" bigint NOT NULL,
	"output" bigint NOT NULL,
	"cache_read" bigint,
	"cache_write" bigint,
	"shutdown_on" date,
	"as_of" date NOT NULL,
	"source" text NOT NULL,
	CONSTRAINT "model_prices_provider_model_id_from_pk" PRIMARY KEY("provider","model_id","from"),
	CONSTRAINT "price_provider_known" CHECK ("model_prices"."provider" in ('openai', 'anthropic', 'google', 'mistral', 'cohere', 'groq', 'openrouter', 'together', 'huggingface', 'nvidia', 'moonshotai', 'ollama', 'workers-ai', 'custom', 'builtin')),
	CONSTRAINT "price_not_negative" CHECK (least("model_prices"."input", "model_prices"."output", "model_prices"."cache_read", "model_prices"."cache_write") >= 0)
);
