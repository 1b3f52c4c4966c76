CREATE TABLE "dataset_pages" (
	"dataset_id" integer NOT NULL,
	"run" integer NOT NULL,
	"position" smallint NOT NULL,
	"url" text NOT NULL,
	"title" text DEFAULT '' NOT NULL,
	"key" text,
	"size" integer DEFAULT 0 NOT NULL,
	"hash" text,
	"etag" text,
	"last_modified" text,
	"problem" text,
	"detail" text,
	"fetched_at" timestamp with time zone,
	CONSTRAINT "dataset_pages_dataset_id_run_position_pk" PRIMARY KEY("dataset_id","run","position"),
	CONSTRAINT "dataset_page_listed_once" UNIQUE("dataset_id","run","url"),
	CONSTRAINT "dataset_page_rows_hashed" CHECK (("dataset_pages"."key" is null) = ("dataset_pages"."hash" is null)),
	CONSTRAINT "dataset_page_problem_explained" CHECK (("dataset_pages"."problem" is null) = ("dataset_pages"."detail" is null))
);
--> statement-breakpoint
CREATE TABLE "dataset_page_quotas" (
	"user_id" integer PRIMARY KEY NOT NULL,
	"day" date NOT NULL,
	"pages" integer NOT NULL,
	CONSTRAINT "dataset_page_quota_not_negative" CHECK ("dataset_page_quotas"."pages" >= 0)
);
--> statement-breakpoint
ALTER TABLE "datasets" DROP CONSTRAINT "dataset_type_known";--> statement-breakpoint
ALTER TABLE "datasets" ADD COLUMN "website" jsonb;--> statement-breakpoint
ALTER TABLE "datasets" ADD COLUMN "last_refreshed_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "datasets" ADD COLUMN "next_refresh_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "dataset_pages" ADD CONSTRAINT "dataset_pages_dataset_id_datasets_id_fk" FOREIGN KEY ("dataset_id") REFERENCES "public"."datasets"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "dataset_page_quotas" ADD CONSTRAINT "dataset_page_quotas_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "datasets_by_refresh" ON "datasets" USING btree ("next_refresh_at") WHERE "datasets"."next_refresh_at" is not null;--> statement-breakpoint
ALTER TABLE "datasets" ADD CONSTRAINT "dataset_type_known" CHECK ("datasets"."type" in ('upload', 'import', 'website'));