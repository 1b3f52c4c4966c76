import { Hono } from "hono";
import { requirePermission } from "../auth/middleware.ts";
import { route, type AppEnv } from "../http/route.ts";
import { AppError } from "../kit/errors.ts";
import { catalogErrors } from "./errors.ts";
import { IdParam } from "../kit/http/zod-schemas.ts";
import * as replies from "./views.ts";
import * as s from "./schemas.ts";
import { catalogRoute, withCatalog } from "./cached-route.ts";
import { publishCatalog } from "./service.ts";

const ok = { success: true as const };

// ── spirits: the contract's [29]–[37], [39], [40]; fixed paths before names ──

export const spirits = new Hono<AppEnv>();

spirits.get(
  "/",
  catalogRoute(
    { id: "listSpirits", summary: "List the spirits", tag: "Spirits", query: s.SpiritQuery, reply: s.SpiritList },
    (catalog, { query }) => replies.spiritList(catalog, query),
  ),
);

spirits.get(
  "/free",
  catalogRoute(
    {
      id: "listFreeSpirits",
      summary: "List the spirits of the free tier",
      tag: "Spirits",
      query: s.SearchQuery,
      reply: s.SpiritList,
    },
    (catalog, { query }) => replies.spiritList(catalog, { ...query, tier: "free" }),
  ),
);

spirits.get(
  "/tier/:tier",
  catalogRoute(
    {
      id: "listSpiritsOfTier",
      summary: "List the spirits of one tier",
      tag: "Spirits",
      params: s.TierParam,
      query: s.SearchQuery,
      reply: s.SpiritTierList,
    },
    (catalog, { params, query }) => replies.spiritsOfTier(catalog, params.tier, query),
  ),
);

spirits.get(
  "/name/:name",
  catalogRoute(
    {
      id: "getSpiritByName",
      summary: "Get a spirit by name or slug",
      tag: "Spirits",
      params: s.SpiritNameParam,
      reply: s.SpiritReply,
      errors: ["not_found"],
    },
    (catalog, { params }) => ({ ...ok, data: replies.spiritByName(catalog, params.name) }),
  ),
);

spirits.get(
  "/available",
  catalogRoute(
    {
      id: "listAvailableSpirits",
      summary: "List the spirits unlocked at a rank and a level within it",
      tag: "Spirits",
      query: s.StandingQuery,
      reply: s.SpiritAvailableList,
    },
    (catalog, { query }) => replies.spiritsAvailable(catalog, query),
  ),
);

const synergyDoc = {
  summary: "Compute the synergy of a set of spirits",
  description:
    "Each unordered pair adds its synergy to the bonus and its conflict to the penalty. The order of the IDs does not matter. An ID that appears twice counts once.",
  tag: "Spirits",
  reply: s.SynergyReply,
} as const;

spirits.get(
  "/synergy",
  catalogRoute({ ...synergyDoc, id: "getSynergy", query: s.SynergyQuery }, (catalog, { query }) =>
    replies.synergy(catalog, query.spirit_ids, "query"),
  ),
);

spirits.post(
  "/synergy",
  route(
    {
      ...synergyDoc,
      id: "computeSynergy",
      body: s.SynergyBody,
      unknownKeys: "ignoreTopLevel",
      errors: [catalogErrors.catalog_unavailable],
    },
    async ({ ctx, c, body }) => {
      const { result, tier } = await withCatalog(ctx, (catalog) => replies.synergy(catalog, body.spirit_ids, "body"));
      c.header("x-cache", tier);
      return result;
    },
  ),
);

spirits.get(
  "/bundles",
  catalogRoute(
    { id: "listBundles", summary: "List the bundles", tag: "Spirits", query: s.BundleQuery, reply: s.BundleList },
    (catalog, { query }) => replies.bundleList(catalog, query),
  ),
);

spirits.get(
  "/subscription-plans",
  catalogRoute({ id: "listPlans", summary: "List the subscription plans", tag: "Spirits", reply: s.PlanList }, (catalog) =>
    replies.planList(catalog),
  ),
);

spirits.get(
  "/health",
  route(
    {
      id: "getSpiritHealth",
      summary: "Check catalog health",
      tag: "Health",
      reply: s.SpiritHealth,
      errors: [catalogErrors.catalog_unavailable],
    },
    async ({ ctx }) => {
      try {
        const { result } = await withCatalog(ctx, (catalog) => catalog.spirits.length);
        return { ...ok, message: "The spirit catalog is available.", spirits_count: result, status: "operational" as const };
      } catch (cause) {
        const detail = "The spirit catalog is unavailable.";
        throw new AppError(catalogErrors.catalog_unavailable, detail, {
          cause,
          extensions: { message: detail, status: "error" },
        });
      }
    },
  ),
);

spirits.get(
  "/:id",
  catalogRoute(
    { id: "getSpirit", summary: "Get a spirit", tag: "Spirits", params: IdParam, reply: s.SpiritReply, errors: ["not_found"] },
    (catalog, { params }) => ({ ...ok, data: replies.spiritById(catalog, params.id) }),
  ),
);

spirits.get(
  "/:id/tools",
  catalogRoute(
    {
      id: "listToolsOfSpirit",
      summary: "List the tools of a spirit in unlock order",
      tag: "Spirits",
      params: IdParam,
      reply: s.SpiritToolList,
      errors: ["not_found"],
    },
    (catalog, { params }) => replies.toolsOfSpirit(catalog, params.id),
  ),
);

// ── tools ────────────────────────────────────────────────────────────────────

export const tools = new Hono<AppEnv>();

tools.get(
  "/",
  catalogRoute(
    { id: "listTools", summary: "List the tools", tag: "Tools", query: s.ToolQuery, reply: s.ToolList },
    (catalog, { query }) => replies.toolList(catalog, query),
  ),
);

tools.get(
  "/:name",
  catalogRoute(
    {
      id: "getTool",
      summary: "Get a tool and the spirits that provide it",
      tag: "Tools",
      params: s.NameParam,
      reply: s.ToolReply,
      errors: ["not_found"],
    },
    (catalog, { params }) => replies.toolByName(catalog, params.name),
  ),
);

// ── classes ──────────────────────────────────────────────────────────────────

export const classes = new Hono<AppEnv>();

classes.get(
  "/",
  catalogRoute(
    {
      id: "listClasses",
      summary: "List the classes, optionally with whether a rank unlocks them",
      tag: "Classes",
      query: s.ClassQuery,
      reply: s.ClassList,
    },
    (catalog, { query }) => replies.classList(catalog, query),
  ),
);

classes.get(
  "/categories",
  catalogRoute(
    { id: "listClassCategories", summary: "List the categories of classes", tag: "Classes", reply: s.ClassCategoryList },
    (catalog) => replies.classCategories(catalog),
  ),
);

classes.get(
  "/:name",
  catalogRoute(
    { id: "getClass", summary: "Get a class", tag: "Classes", params: s.NameParam, reply: s.ClassReply, errors: ["not_found"] },
    (catalog, { params }) => ({ ...ok, class: replies.classByName(catalog, params.name) }),
  ),
);

classes.post(
  "/:name/unlock",
  route(
    {
      id: "checkClassUnlock",
      summary: "Check whether a rank unlocks a class; it changes nothing",
      description: "For clients of the previous server. `GET /classes` has `is_unlocked`.",
      tag: "Aliases",
      params: s.NameParam,
      body: s.UnlockBody,
      optionalBody: true,
      unknownKeys: "ignoreTopLevel",
      reply: s.ClassUnlock,
      errors: ["not_found", catalogErrors.catalog_unavailable],
    },
    async ({ ctx, params, body }) =>
      (await withCatalog(ctx, (catalog) => replies.classUnlock(catalog, params.name, body))).result,
  ),
);

classes.get(
  "/:name/spirits",
  catalogRoute(
    {
      id: "listSpiritsOfClass",
      summary: "List the base spirits of a class",
      tag: "Classes",
      params: s.NameParam,
      reply: s.ClassSpiritList,
      errors: ["not_found"],
    },
    (catalog, { params }) => replies.spiritsOfClass(catalog, params.name),
  ),
);

// ── templates ────────────────────────────────────────────────────────────────

export const templates = new Hono<AppEnv>();

templates.get(
  "/",
  catalogRoute(
    { id: "listTemplates", summary: "List the templates", tag: "Templates", query: s.SearchQuery, reply: s.TemplateList },
    (catalog, { query }) => replies.templateList(catalog, query),
  ),
);

templates.get(
  "/:id",
  catalogRoute(
    {
      id: "getTemplate",
      summary: "Get a template",
      tag: "Templates",
      params: IdParam,
      reply: s.TemplateReply,
      errors: ["not_found"],
    },
    (catalog, { params }) => replies.templateById(catalog, params.id),
  ),
);

// ── administration ───────────────────────────────────────────────────────────

export const catalogAdmin = new Hono<AppEnv>();

catalogAdmin.post(
  "/invalidate",
  route(
    {
      id: "invalidateCatalog",
      summary: "Publish the catalog from Postgres to KV",
      description: "Writes to KV only if the version changed. Other isolates follow within the cache lifetime.",
      tag: "Administration",
      access: requirePermission("admin.write"),
      reply: s.CatalogPublished,
      errors: [catalogErrors.catalog_unavailable, "kv_unavailable"],
    },
    async ({ ctx }) => ({ ...ok, ...(await publishCatalog(ctx)) }),
  ),
);
