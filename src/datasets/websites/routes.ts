import { Hono } from "hono";
import { requirePermission } from "../../auth/middleware.ts";
import { requireUserId } from "../../auth/current-user.ts";
import { route, type AppEnv } from "../../http/route.ts";
import { IdParam } from "../../kit/http/zod-schemas.ts";
import { maxPages, maxPagesPerDay, maxPageBytes } from "../constants.ts";
import { datasetOf, getDataset } from "../queries.ts";
import * as s from "../schemas.ts";
import { createWebsite, refreshDataset } from "./service.ts";

const ok = { success: true as const };
const tag = "Datasets";
const writing = requirePermission("datasets.write");

/** At /api/v2/datasets/websites. */
export const datasetWebsites = new Hono<AppEnv>();

datasetWebsites.post(
  "/",
  route(
    {
      id: "createWebsiteDataset",
      summary: "Create a dataset from a website",
      description:
        `The URL is a page, or a sitemap whose first ${maxPages} pages are read. A job reads them as their robots.txt allows, at most ` +
        `${maxPageBytes / 2 ** 20} MiB each and ${maxPagesPerDay} pages a day of all your websites: see \`processing_status\`, and \`website\` in the report. ` +
        "Pages can be HTML, Markdown, plain text or PDF.",
      tag,
      access: writing,
      body: s.NewWebsite,
      replayResponse: async ({ ctx, resultId }) => {
        const userId = requireUserId(ctx);
        return { ...ok, dataset: datasetOf(await getDataset(ctx, userId, Number(resultId)), userId) };
      },
      reply: s.DatasetReply,
      status: 201,
      errors: ["conflict", "database_unavailable"],
    },
    async ({ ctx, body }) => {
      const userId = requireUserId(ctx);
      return { ...ok, dataset: datasetOf(await createWebsite(ctx, userId, body), userId) };
    },
  ),
);

/** At /api/v2/datasets. */
export const websiteRefreshes = new Hono<AppEnv>();

websiteRefreshes.post(
  "/:id/refresh",
  route(
    {
      id: "refreshDataset",
      summary: "Read a website again",
      description:
        "A job reads the pages. Those that have not changed keep their rows. If something changed, your knowledge bases that hold the dataset are built again with `smart_replace`. " +
        "If the website cannot be read, the dataset keeps its rows, and `website.error` says why.",
      tag,
      access: writing,
      params: IdParam,
      reply: s.DatasetReply,
      status: 202,
      errors: ["not_found", "conflict", "database_unavailable"],
    },
    async ({ ctx, params }) => {
      const userId = requireUserId(ctx);
      return { ...ok, dataset: datasetOf(await refreshDataset(ctx, userId, params.id), userId) };
    },
  ),
);
