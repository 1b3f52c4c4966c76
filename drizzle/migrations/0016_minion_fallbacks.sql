CREATE TABLE "minion_fallbacks" (
	"minion_id" integer NOT NULL,
	"position" smallint NOT NULL,
	"user_id" integer NOT NULL,
	"model" text NOT NULL,
	"external_model_id" integer,
	CONSTRAINT "minion_fallbacks_minion_id_position_pk" PRIMARY KEY("minion_id","position"),
	CONSTRAINT "minion_fallback_named_once" UNIQUE("minion_id","model"),
	CONSTRAINT "minion_fallback_place_in_range" CHECK ("minion_fallbacks"."position" between 1 and 3)
);
--> statement-breakpoint
ALTER TABLE "minion_fallbacks" ADD CONSTRAINT "minion_fallback_of_its_owner" FOREIGN KEY ("user_id","minion_id") REFERENCES "public"."spirit_minions"("user_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "minion_fallbacks" ADD CONSTRAINT "minion_fallback_owned" FOREIGN KEY ("user_id","external_model_id") REFERENCES "public"."external_models"("user_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "minion_fallbacks_by_model" ON "minion_fallbacks" USING btree ("external_model_id") WHERE "minion_fallbacks"."external_model_id" is not null;