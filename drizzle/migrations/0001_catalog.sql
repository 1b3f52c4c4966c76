CREATE TABLE "bundle_spirits" (
	"bundle_id" integer NOT NULL,
	"spirit_id" integer NOT NULL,
	"position" smallint NOT NULL,
	CONSTRAINT "bundle_spirits_bundle_id_spirit_id_pk" PRIMARY KEY("bundle_id","spirit_id"),
	CONSTRAINT "bundle_spirit_place_taken" UNIQUE("bundle_id","position"),
	CONSTRAINT "bundle_spirit_place_from_one" CHECK ("bundle_spirits"."position" >= 1)
);
--> statement-breakpoint
CREATE TABLE "spirit_bundles" (
	"id" integer PRIMARY KEY NOT NULL,
	"icon" text NOT NULL,
	"category" text NOT NULL,
	"is_active" boolean DEFAULT true NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"name" text NOT NULL,
	"description" text NOT NULL,
	"price_cents" integer NOT NULL,
	"price_points" integer NOT NULL,
	"is_popular" boolean NOT NULL,
	CONSTRAINT "bundle_name_taken" UNIQUE("name"),
	CONSTRAINT "bundle_price_not_negative" CHECK ("spirit_bundles"."price_cents" >= 0 and "spirit_bundles"."price_points" >= 0)
);
--> statement-breakpoint
CREATE TABLE "catalog_versions" (
	"id" smallint PRIMARY KEY DEFAULT 1 NOT NULL,
	"version" integer NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "catalog_has_one_version" CHECK ("catalog_versions"."id" = 1)
);
--> statement-breakpoint
CREATE TABLE "class_spirits" (
	"class_id" integer NOT NULL,
	"spirit_id" integer NOT NULL,
	"position" smallint NOT NULL,
	CONSTRAINT "class_spirits_class_id_spirit_id_pk" PRIMARY KEY("class_id","spirit_id"),
	CONSTRAINT "class_spirit_place_taken" UNIQUE("class_id","position"),
	CONSTRAINT "class_spirit_place_from_one" CHECK ("class_spirits"."position" >= 1)
);
--> statement-breakpoint
CREATE TABLE "minion_classes" (
	"id" integer PRIMARY KEY NOT NULL,
	"icon" text NOT NULL,
	"category" text NOT NULL,
	"is_active" boolean DEFAULT true NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"class_name" text NOT NULL,
	"specialization" text NOT NULL,
	"perfect_for" text[] NOT NULL,
	CONSTRAINT "class_name_taken" UNIQUE("class_name")
);
--> statement-breakpoint
CREATE TABLE "plan_spirits" (
	"plan_id" integer NOT NULL,
	"spirit_id" integer NOT NULL,
	"position" smallint NOT NULL,
	CONSTRAINT "plan_spirits_plan_id_spirit_id_pk" PRIMARY KEY("plan_id","spirit_id"),
	CONSTRAINT "plan_spirit_place_taken" UNIQUE("plan_id","position"),
	CONSTRAINT "plan_spirit_place_from_one" CHECK ("plan_spirits"."position" >= 1)
);
--> statement-breakpoint
CREATE TABLE "subscription_plans" (
	"id" integer PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"price_cents" integer NOT NULL,
	"billing_cycle" text NOT NULL,
	"discount_percent" smallint NOT NULL,
	"monthly_points" integer NOT NULL,
	"max_minions" integer NOT NULL,
	"max_spirits_per_minion" smallint NOT NULL,
	"features" text[] NOT NULL,
	"is_active" boolean DEFAULT true NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "plan_name_taken" UNIQUE("name"),
	CONSTRAINT "plan_price_not_negative" CHECK ("subscription_plans"."price_cents" >= 0),
	CONSTRAINT "plan_billing_cycle_known" CHECK ("subscription_plans"."billing_cycle" in ('monthly', 'yearly')),
	CONSTRAINT "plan_discount_is_a_percentage" CHECK ("subscription_plans"."discount_percent" between 0 and 100),
	CONSTRAINT "plan_points_not_negative" CHECK ("subscription_plans"."monthly_points" >= 0),
	CONSTRAINT "plan_minions_unlimited_or_some" CHECK ("subscription_plans"."max_minions" = -1 or "subscription_plans"."max_minions" > 0),
	CONSTRAINT "plan_spirits_per_minion_in_range" CHECK ("subscription_plans"."max_spirits_per_minion" between 1 and 5)
);
--> statement-breakpoint
CREATE TABLE "spirit_affinities" (
	"spirit_a" integer NOT NULL,
	"spirit_b" integer NOT NULL,
	"synergy_percent" smallint NOT NULL,
	"conflict_percent" smallint NOT NULL,
	CONSTRAINT "spirit_affinities_spirit_a_spirit_b_pk" PRIMARY KEY("spirit_a","spirit_b"),
	CONSTRAINT "affinity_lower_id_first" CHECK ("spirit_affinities"."spirit_a" < "spirit_affinities"."spirit_b"),
	CONSTRAINT "synergy_is_a_percentage" CHECK ("spirit_affinities"."synergy_percent" between 0 and 100),
	CONSTRAINT "conflict_is_a_negative_percentage" CHECK ("spirit_affinities"."conflict_percent" between -100 and 0),
	CONSTRAINT "affinity_says_something" CHECK ("spirit_affinities"."synergy_percent" <> 0 or "spirit_affinities"."conflict_percent" <> 0)
);
--> statement-breakpoint
CREATE TABLE "spirit_tools" (
	"spirit_id" integer NOT NULL,
	"tool_id" integer NOT NULL,
	"position" smallint NOT NULL,
	CONSTRAINT "spirit_tools_spirit_id_tool_id_pk" PRIMARY KEY("spirit_id","tool_id"),
	CONSTRAINT "spirit_tool_place_taken" UNIQUE("spirit_id","position"),
	CONSTRAINT "spirit_tool_place_from_one" CHECK ("spirit_tools"."position" >= 1),
	CONSTRAINT "spirit_has_four_tools" CHECK ("spirit_tools"."position" <= 4)
);
--> statement-breakpoint
CREATE TABLE "spirits_registry" (
	"id" integer PRIMARY KEY NOT NULL,
	"icon" text NOT NULL,
	"category" text NOT NULL,
	"is_active" boolean DEFAULT true NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"description" text NOT NULL,
	"slug" text NOT NULL,
	"name" text NOT NULL,
	"unlock_rank" text NOT NULL,
	"unlock_level" smallint NOT NULL,
	"max_spirit_level" smallint NOT NULL,
	"tier" text NOT NULL,
	"price_cents" integer NOT NULL,
	"price_points" integer NOT NULL,
	CONSTRAINT "spirit_slug_taken" UNIQUE("slug"),
	CONSTRAINT "spirit_name_taken" UNIQUE("name"),
	CONSTRAINT "spirit_rank_known" CHECK ("spirits_registry"."unlock_rank" in ('Novice', 'Skilled', 'Specialist', 'Expert', 'Master', 'Grandmaster', 'Autonomous')),
	CONSTRAINT "spirit_unlock_level_in_rank" CHECK ("spirits_registry"."unlock_level" between 1 and 5),
	CONSTRAINT "spirit_max_level_in_range" CHECK ("spirits_registry"."max_spirit_level" between 1 and 10),
	CONSTRAINT "spirit_tier_known" CHECK ("spirits_registry"."tier" in ('free', 'basic', 'professional', 'premium')),
	CONSTRAINT "spirit_price_not_negative" CHECK ("spirits_registry"."price_cents" >= 0 and "spirits_registry"."price_points" >= 0),
	CONSTRAINT "free_tier_costs_nothing" CHECK (("spirits_registry"."tier" = 'free') = ("spirits_registry"."price_cents" = 0) and ("spirits_registry"."tier" = 'free') = ("spirits_registry"."price_points" = 0))
);
--> statement-breakpoint
CREATE TABLE "template_spirits" (
	"template_id" integer NOT NULL,
	"spirit_id" integer NOT NULL,
	"position" smallint NOT NULL,
	CONSTRAINT "template_spirits_template_id_spirit_id_pk" PRIMARY KEY("template_id","spirit_id"),
	CONSTRAINT "template_spirit_place_taken" UNIQUE("template_id","position"),
	CONSTRAINT "template_spirit_place_from_one" CHECK ("template_spirits"."position" >= 1),
	CONSTRAINT "template_has_five_spirits" CHECK ("template_spirits"."position" <= 5)
);
--> statement-breakpoint
CREATE TABLE "minion_templates" (
	"id" integer PRIMARY KEY NOT NULL,
	"icon" text NOT NULL,
	"category" text NOT NULL,
	"is_active" boolean DEFAULT true NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"name" text NOT NULL,
	"description" text NOT NULL,
	CONSTRAINT "template_name_taken" UNIQUE("name")
);
--> statement-breakpoint
CREATE TABLE "tools_registry" (
	"id" integer PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"category" text NOT NULL,
	"kind" text NOT NULL,
	"description" text NOT NULL,
	"is_active" boolean DEFAULT true NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "tool_name_taken" UNIQUE("name"),
	CONSTRAINT "tool_kind_known" CHECK ("tools_registry"."kind" in ('pure', 'model', 'platform', 'connector'))
);
--> statement-breakpoint
ALTER TABLE "bundle_spirits" ADD CONSTRAINT "bundle_spirits_bundle_id_spirit_bundles_id_fk" FOREIGN KEY ("bundle_id") REFERENCES "public"."spirit_bundles"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "bundle_spirits" ADD CONSTRAINT "bundle_spirits_spirit_id_spirits_registry_id_fk" FOREIGN KEY ("spirit_id") REFERENCES "public"."spirits_registry"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "class_spirits" ADD CONSTRAINT "class_spirits_class_id_minion_classes_id_fk" FOREIGN KEY ("class_id") REFERENCES "public"."minion_classes"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "class_spirits" ADD CONSTRAINT "class_spirits_spirit_id_spirits_registry_id_fk" FOREIGN KEY ("spirit_id") REFERENCES "public"."spirits_registry"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "plan_spirits" ADD CONSTRAINT "plan_spirits_plan_id_subscription_plans_id_fk" FOREIGN KEY ("plan_id") REFERENCES "public"."subscription_plans"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "plan_spirits" ADD CONSTRAINT "plan_spirits_spirit_id_spirits_registry_id_fk" FOREIGN KEY ("spirit_id") REFERENCES "public"."spirits_registry"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "spirit_affinities" ADD CONSTRAINT "spirit_affinities_spirit_a_spirits_registry_id_fk" FOREIGN KEY ("spirit_a") REFERENCES "public"."spirits_registry"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "spirit_affinities" ADD CONSTRAINT "spirit_affinities_spirit_b_spirits_registry_id_fk" FOREIGN KEY ("spirit_b") REFERENCES "public"."spirits_registry"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "spirit_tools" ADD CONSTRAINT "spirit_tools_spirit_id_spirits_registry_id_fk" FOREIGN KEY ("spirit_id") REFERENCES "public"."spirits_registry"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "spirit_tools" ADD CONSTRAINT "spirit_tools_tool_id_tools_registry_id_fk" FOREIGN KEY ("tool_id") REFERENCES "public"."tools_registry"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "template_spirits" ADD CONSTRAINT "template_spirits_template_id_minion_templates_id_fk" FOREIGN KEY ("template_id") REFERENCES "public"."minion_templates"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "template_spirits" ADD CONSTRAINT "template_spirits_spirit_id_spirits_registry_id_fk" FOREIGN KEY ("spirit_id") REFERENCES "public"."spirits_registry"("id") ON DELETE no action ON UPDATE no action;