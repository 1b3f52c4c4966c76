import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** The import rules of `src/`. Every path is relative to `src/`. */

/** Features in dependency order: a feature imports only the features before it. Those without a folder are planned. */
const features = [
  "limits",
  "auth",
  "jobs",
  "notifications",
  "catalog",
  "billing",
  "marketplace",
  "models",
  "datasets",
  "minions",
  "knowledge",
  "memory",
  "tools",
  "agent",
  "chat",
  "evaluations",
  "training",
  "doors",
  "operations",
];

/** The root files that look at every feature. */
const compositionRoots = new Set([
  "index.ts",
  "app.ts",
  "cron.ts",
  "errors.ts",
  "feature-hooks.ts",
  "jobs.ts",
  "objects.ts",
  "schema.ts",
]);

/**
 * Dependency order inside a folder: an entry imports only the entries before it. Shared files (`sharedFiles`) that it does not list come
 * before the list, all other files after it.
 */
export const order: Readonly<Record<string, readonly string[]>> = {
  kit: [
    "log.ts",
    "json.ts",
    "event-log.ts",
    "server-timing.ts",
    "model-usage.ts",
    "unicode.ts",
    "async",
    "text",
    "crypto",
    "db",
    "http",
    "egress",
    "socket",
    "queue",
    "storage",
  ],
  "kit/db": ["columns.ts", "tables.ts"],
  "kit/socket": ["tickets.ts", "types.ts"],
  auth: [
    "roles.ts",
    "schemas.ts",
    "tables.ts",
    "queries.ts",
    "audit.ts",
    "cookies.ts",
    "credentials.ts",
    "current-user.ts",
    "job-definitions.ts",
    "middleware.ts",
    "common-passwords.ts",
    "passwords.ts",
    "sessions",
    "social-providers.ts",
    "better-auth.ts",
    "verification",
    "accounts",
    "keys",
    "admin",
    "social",
  ],
  models: [
    "vendor-errors",
    "gateway",
    "allowance",
    "providers",
    "quirk-schemas.ts",
    "schemas.ts",
    "tables.ts",
    "queries.ts",
    "usage",
    "external-models",
  ],
  "models/providers": [
    "guarded-fetch.ts",
    "describe-quirks.ts",
    "provider.ts",
    "builtin",
    "list-models.ts",
    "parse-price.ts",
    "compatible",
    "sdk-provider.ts",
    "vendors",
    "providers.ts",
    "settings.ts",
  ],
  datasets: [
    "formats",
    "schemas.ts",
    "tables.ts",
    "queries.ts",
    "rules.ts",
    "cleaning",
    "job-definitions.ts",
    "storage.ts",
    "rows",
    "import",
    "insert.ts",
    "uploads",
    "websites",
  ],
  "datasets/formats": ["types.ts", "limits.ts", "json-bounds.ts", "records", "text", "json", "csv", "docx", "parquet", "pdf"],
  "datasets/import": ["progress.ts", "huggingface"],
  minions: ["model-summary.ts", "models", "progression", "traits", "spirits"],
  knowledge: ["chunking", "ranking.ts", "job-definitions.ts", "model-usage.ts", "indexing", "search"],
  agent: ["message", "prompt", "turn"],
  chat: ["job-definitions.ts", "message-terms.ts", "sync", "room", "streaming", "conversations", "legacy"],
};

/** What every file of a folder, and every folder in it, may import. */
const sharedFiles = new Set([
  "constants.ts",
  "errors.ts",
  "events.ts",
  "protocol.ts",
  "queries.ts",
  "rules.ts",
  "schemas.ts",
  "settings.ts",
  "tables.ts",
  "types.ts",
]);

type Import = { from: string; names: string; isType: boolean };

/** The imports and re-exports of a source file, `import()` included. */
function importsOf(source: string): Import[] {
  const statements = source.matchAll(
    /^(?:import|export)\s+(type\s+)?([^;"']*?)\s*(?:from\s+)?["']([^"']+)["'](?:\s+with\s+\{[^}]*\})?;/gm,
  );
  const calls = source.matchAll(/\bimport\(\s*["']([^"']+)["']\s*\)/g);
  return [
    ...Array.from(statements, ([, type, names = "", from = ""]) => ({ from, names, isType: type !== undefined })),
    ...Array.from(calls, ([, from = ""]) => ({ from, names: "", isType: false })),
  ];
}

/** The feature of a file ("" for a root file) and the file's own name, at any depth. */
const locate = (path: string) => ({ feature: path.includes("/") ? path.split("/", 1)[0]! : "", file: basename(path) });

/** The import rules that a source file at `path` breaks, one sentence each. */
export function violations(path: string, source: string): string[] {
  const { feature, file } = locate(path);
  const found: string[] = [];
  for (const { from, names, isType } of importsOf(source)) {
    const report = (rule: string) => found.push(`${path} imports ${from}: ${rule}`);
    if (from === "zod" && !/^\* as z$/.test(names)) report("import zod as a namespace, or every locale is bundled");
    if (!from.startsWith(".")) {
      if (file.endsWith("routes.ts") && from.startsWith("drizzle-orm")) report("a route makes no queries");
      if (["service.ts", "views.ts"].includes(file) && from.startsWith("hono")) report("a service knows no transport");
      if (file === "rules.ts" && !isType) report("rules are pure arithmetic");
      if (file === "protocol.ts" && from !== "zod") report("a protocol imports zod alone");
      continue;
    }
    const target = join(dirname(path), from);
    const { feature: targetFeature, file: targetFile } = locate(target);
    if (target.startsWith("../")) report("src imports nothing outside src");
    if (targetFeature === "" && compositionRoots.has(targetFile) && !["index.ts", "app.ts"].includes(path))
      report("only a composition root imports a composition root");
    if (feature === "kit" && targetFeature !== "kit") report("kit imports packages and itself");
    if (feature === "http" && features.includes(targetFeature)) report("http knows no feature");
    if (feature === "" && features.includes(targetFeature) && !compositionRoots.has(file))
      report("only a composition root imports a feature");
    if (features.includes(feature) && features.indexOf(targetFeature) > features.indexOf(feature))
      report("that feature comes later");
    if (feature === targetFeature && feature !== "") {
      const misplaced = orderViolation(path, target);
      if (misplaced !== undefined) report(misplaced);
    }
    if (file.endsWith("routes.ts") && targetFile === "tables.ts") report("a route never sees tables");
    if (file === "rules.ts" && !isType && ["context.ts", "route.ts", "service.ts", "tables.ts"].includes(targetFile))
      report("rules are pure arithmetic");
    if (file === "protocol.ts" && targetFile !== "protocol.ts" && !isType) report("a protocol imports zod alone");
    if (file === "service.ts" && targetFile === "route.ts") report("a service knows no transport");
  }
  return found;
}

/** The position of a file or folder in its parent folder's order. */
function rank(parent: string, entry: string): number {
  const position = (order[parent] ?? []).indexOf(entry);
  if (position !== -1) return position + 1;
  return sharedFiles.has(entry) || entry.endsWith(".json") ? 0 : Infinity;
}

/** Says how an import inside a feature breaks the order of the folder that holds both files. */
function orderViolation(path: string, target: string): string | undefined {
  const from = path.split("/");
  const to = target.split("/");
  const depth = from.findIndex((part, index) => part !== to[index]);
  const parent = from.slice(0, depth).join("/");
  const [entry, targetEntry] = [from[depth]!, to[depth]!];
  const [rankFrom, rankTo] = [rank(parent, entry), rank(parent, targetEntry)];
  for (const [folder, position] of [
    [entry, rankFrom],
    [targetEntry, rankTo],
  ] as const) {
    if (!folder.includes(".") && position === Infinity) return `the order of ${parent} does not list ${folder}`;
  }
  return rankFrom < rankTo ? `${targetEntry} comes after ${entry} in ${parent}` : undefined;
}

/** The circles of an import graph (strongly connected components of more than one file), types included. */
export function circles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const indexes = new Map<string, number>();
  const lows = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (node: string) => {
    const index = indexes.size;
    indexes.set(node, index);
    lows.set(node, index);
    stack.push(node);
    for (const next of graph.get(node) ?? []) {
      if (!indexes.has(next)) visit(next);
      if (stack.includes(next)) lows.set(node, Math.min(lows.get(node)!, lows.get(next)!));
    }
    if (lows.get(node) !== index) return;
    const circle = stack.splice(stack.indexOf(node));
    if (circle.length > 1) found.push(circle);
  };
  for (const node of graph.keys()) if (!indexes.has(node)) visit(node);
  return found;
}

/** The import graph of source files, by their paths below `src/`. */
export function importGraph(sources: ReadonlyMap<string, string>): Map<string, string[]> {
  return new Map(
    Array.from(sources, ([path, source]) => [
      path,
      importsOf(source)
        .filter(({ from }) => from.startsWith("."))
        .map(({ from }) => join(dirname(path), from))
        .filter((target) => sources.has(target)),
    ]),
  );
}

/** The words that name a part of the product. `kit` holds none of them. */
export const productWords =
  /minion|spirit|conversation|\bchat|dataset|\bknowledge|catalog|\bplans?\b|subscription|leaderboard|\branks?\b|experience|marketplace|training|persona|\btools?\b|\bturns?\b/i;

/** Files that must have a test at the same path below `test/`: rules, protocols, services and parsers. */
export const needsTest = (path: string): boolean => /(^|\/)(rules|protocol|service|parse-[^/]+)\.ts$/.test(path);

export const readSources = (paths: readonly string[]): Map<string, string> =>
  new Map(paths.map((path) => [path.replace(/^src\//, ""), readFileSync(path, "utf8")]));
