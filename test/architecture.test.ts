import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";

/** Features from the one that stands on nothing to the one that stands on all: a feature imports only those before it. */
const features = [
  "limits",
  "auth",
  "jobs",
  "notifications",
  "catalog",
  "billing",
  "models",
  "minions",
  "datasets",
  "knowledge",
  "training",
  "tools",
  "chat",
];

/** The files that alone look at every feature. */
const overseers = new Set(["index.ts", "app.ts", "hooks.ts", "jobs.ts", "objects.ts", "schema.ts"]);

type Import = { from: string; names: string; isType: boolean };

function importsOf(source: string): Import[] {
  return Array.from(
    source.matchAll(/^(?:import|export)\s+(type\s+)?([^;"']*?)\s*(?:from\s+)?["']([^"']+)["'](?:\s+with\s+\{[^}]*\})?;/gm),
    ([, type, names = "", from = ""]) => ({ from, names, isType: type !== undefined }),
  );
}

/** The feature that a file below src/ belongs to, "" for a root file, and the file's own name, however deep it stands. */
const locate = (path: string) => ({ folder: path.includes("/") ? path.split("/", 1)[0]! : "", file: basename(path) });

/** What a source file at `path` (below src/) imports against the rules of the house. */
function violations(path: string, source: string): string[] {
  const { folder, file } = locate(path);
  const found: string[] = [];
  for (const { from, names, isType } of importsOf(source)) {
    const refuse = (rule: string) => found.push(`${path} imports ${from}: ${rule}`);
    if (from === "zod" && !/^\* as z$/.test(names)) refuse("zod comes as a namespace, or every locale is bundled");
    const target = from.startsWith(".") ? relative("", join(dirname(path), from)) : undefined;
    if (target === undefined) {
      if (file.endsWith("routes.ts") && from.startsWith("drizzle-orm")) refuse("a route makes no queries");
      if (["service.ts", "replies.ts"].includes(file) && from.startsWith("hono")) refuse("a service knows no transport");
      if (file === "rules.ts" && !isType) refuse("rules are pure arithmetic");
      if (file === "protocol.ts" && from !== "zod") refuse("a protocol is zod alone");
      continue;
    }
    const { folder: targetFolder, file: targetFile } = locate(target);
    if (targetFolder === "" && overseers.has(targetFile) && !["index.ts", "app.ts"].includes(path))
      refuse("only an overseer imports an overseer");
    if (folder === "kit" && targetFolder !== "kit") refuse("kit imports packages and itself");
    if (folder === "" && features.includes(targetFolder) && !overseers.has(file)) refuse("only an overseer looks at features");
    if (features.includes(folder) && features.indexOf(targetFolder) > features.indexOf(folder))
      refuse("that feature comes later");
    if (file.endsWith("routes.ts") && targetFile === "tables.ts") refuse("a route never sees tables");
    if (file === "rules.ts" && !isType && ["context.ts", "http.ts", "service.ts", "tables.ts"].includes(targetFile)) {
      refuse("rules are pure arithmetic");
    }
    if (file === "service.ts" && targetFile === "http.ts") refuse("a service knows no transport");
  }
  return found;
}

const sources = globSync("src/**/*.ts", { exclude: ["src/bindings.d.ts"] });

describe("the import rules of the house", () => {
  test("hold in every source file", () => {
    expect(sources.length).toBeGreaterThan(20);
    expect(sources.flatMap((path) => violations(relative("src", path), readFileSync(path, "utf8")))).toEqual([]);
  });

  test.each([
    ["kit/db.ts", 'import { Ctx } from "../src/context.ts";', "kit imports packages"],
    ["catalog/service.ts", 'import { room } from "../src/chat/conversations/service.ts";', "comes later"],
    ["catalog/service.ts", 'import { Hono } from "hono";', "knows no transport"],
    ["catalog/routes.ts", 'import { eq } from "drizzle-orm";', "makes no queries"],
    ["auth/admin-routes.ts", 'import { eq } from "drizzle-orm";', "makes no queries"],
    ["catalog/routes.ts", 'import * as tables from "../src/kit/db/tables.ts";', "never sees tables"],
    ["catalog/rules.ts", 'import { sql } from "drizzle-orm";', "pure arithmetic"],
    ["chat/protocol.ts", 'import { log } from "hono/logger";', "zod alone"],
    ["context.ts", 'import { spirits } from "../src/catalog/tables.ts";', "only an overseer"],
    ["catalog/service.ts", 'import { app } from "../src/app.ts";', "only an overseer imports an overseer"],
    ["chat/room/service.ts", 'import { Hono } from "hono";', "knows no transport"],
    ["chat/room/routes.ts", 'import { eq } from "drizzle-orm";', "makes no queries"],
    ["chat/room/routes.ts", 'import * as tables from "../src/kit/db/tables.ts";', "never sees tables"],
    ["chat/room/rules.ts", 'import { get } from "../src/minions/models/service.ts";', "pure arithmetic"],
    ["chat/room/protocol.ts", 'import { log } from "hono/logger";', "zod alone"],
    ["env.ts", 'import { z } from "zod";', "namespace"],
    ["env.ts", 'import {\n  z,\n} from "zod";', "namespace"],
    ["kit/db.ts", 'export { app } from "../src/app.ts";', "only an overseer imports an overseer"],
  ])("fire for %s with %s", (path, source, rule) => {
    expect(violations(path, source).join()).toContain(rule);
  });

  test("let a feature use what stands before it", () => {
    expect(
      violations(
        "chat/service.ts",
        'import { a } from "../src/minions/service.ts";\nimport { b } from "../src/kit/db/client.ts";',
      ),
    ).toEqual([]);
  });
});

test("no file of ours is longer than 350 lines", () => {
  const long = globSync("{src,dev,seed,bench,test}/**/*.ts", { exclude: ["src/bindings.d.ts"] }).filter(
    (path) => readFileSync(path, "utf8").split("\n").length > 351,
  );
  expect(long).toEqual([]);
});
