import { existsSync, globSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { circles, importGraph, needsTest, order, productWords, readSources, violations } from "./support/architecture.ts";

const sources = readSources(globSync("src/**/*.ts", { exclude: ["src/bindings.d.ts"] }));

/** Files whose test stands at another path, with the reason. */
const testedElsewhere: Readonly<Record<string, string>> = {};

describe("the import rules", () => {
  test("every source file keeps the import rules", () => {
    expect(sources.size).toBeGreaterThan(20);
    expect(Array.from(sources).flatMap(([path, source]) => violations(path, source))).toEqual([]);
  });

  test.each([
    ["kit/db/client.ts", 'import { Ctx } from "../../context.ts";', "kit imports packages"],
    ["http/route.ts", 'import { room } from "../chat/room/client.ts";', "http knows no feature"],
    ["catalog/service.ts", 'import { room } from "../chat/room/client.ts";', "comes later"],
    ["datasets/rows/routes.ts", 'const a = await import("../../chat/room/client.ts");', "comes later"],
    ["catalog/service.ts", 'import { Hono } from "hono";', "knows no transport"],
    ["catalog/routes.ts", 'import { eq } from "drizzle-orm";', "makes no queries"],
    ["auth/admin/routes.ts", 'import { eq } from "drizzle-orm";', "makes no queries"],
    ["catalog/routes.ts", 'import * as tables from "./tables.ts";', "never sees tables"],
    ["catalog/rules.ts", 'import { sql } from "drizzle-orm";', "pure arithmetic"],
    ["chat/protocol.ts", 'import { log } from "hono/logger";', "zod alone"],
    ["chat/protocol.ts", 'import { log } from "../kit/log.ts";', "zod alone"],
    ["context.ts", 'import { spirits } from "./catalog/tables.ts";', "only a composition root imports a feature"],
    ["catalog/service.ts", 'import { app } from "../app.ts";', "only a composition root imports a composition root"],
    ["catalog/service.ts", 'import { crons } from "../cron.ts";', "only a composition root imports a composition root"],
    ["chat/room/service.ts", 'import { Hono } from "hono";', "knows no transport"],
    ["chat/room/routes.ts", 'import { eq } from "drizzle-orm";', "makes no queries"],
    ["chat/room/routes.ts", 'import * as tables from "../tables.ts";', "never sees tables"],
    ["chat/room/rules.ts", 'import { get } from "../../minions/models/service.ts";', "pure arithmetic"],
    ["chat/room/protocol.ts", 'import { log } from "hono/logger";', "zod alone"],
    ["chat/room/client.ts", 'import { a } from "../streaming/routes.ts";', "streaming comes after room"],
    ["chat/sync/outbox.ts", 'import { a } from "../hooks.ts";', "hooks.ts comes after sync"],
    ["chat/tables.ts", 'import { a } from "./room/client.ts";', "room comes after tables.ts"],
    ["chat/voice/client.ts", 'import { a } from "../tables.ts";', "does not list voice"],
    ["models/usage/prices.ts", 'import prices from "../../../seed/prices.json" with { type: "json" };', "nothing outside src"],
    ["env.ts", 'import { z } from "zod";', "namespace"],
    ["env.ts", 'import {\n  z,\n} from "zod";', "namespace"],
    ["kit/db/client.ts", 'export { app } from "../../app.ts";', "only a composition root imports a composition root"],
  ])("a violation in %s with %s is reported", (path, source, rule) => {
    expect(violations(path, source).join()).toContain(rule);
  });

  test("a feature may import earlier features, folders and files", () => {
    const source = [
      'import { a } from "../../minions/spirits/service.ts";',
      'import { b } from "../../kit/db/client.ts";',
      'import { c } from "../room/client.ts";',
      'import { d } from "../tables.ts";',
    ].join("\n");
    expect(violations("chat/streaming/stream-answer.ts", source)).toEqual([]);
  });

  test("every folder in the order exists", () => {
    const missing = Object.entries(order).flatMap(([parent, entries]) =>
      entries.map((entry) => `src/${parent}/${entry}`).filter((path) => !existsSync(path)),
    );
    expect(missing).toEqual([]);
  });
});

describe("import circles", () => {
  test("src has no import circle, types included", () => {
    expect(circles(importGraph(sources))).toEqual([]);
  });

  test("an import circle is reported", () => {
    const graph = importGraph(
      new Map([
        ["a/x.ts", 'import type { Y } from "./y.ts";'],
        ["a/y.ts", 'import { z } from "../b/z.ts";'],
        ["b/z.ts", 'export { x } from "../a/x.ts";'],
        ["b/w.ts", 'import { z } from "./z.ts";'],
      ]),
    );
    expect(circles(graph).map((circle) => circle.toSorted())).toEqual([["a/x.ts", "a/y.ts", "b/z.ts"]]);
  });
});

describe("the kit", () => {
  const productLines = (path: string, source: string) =>
    source.split("\n").flatMap((line, index) => (productWords.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : []));

  test("the kit contains no product terms", () => {
    const kit = Array.from(sources).filter(([path]) => path.startsWith("kit/"));
    expect(kit.flatMap(([path, source]) => productLines(path, source))).toEqual([]);
  });

  test.each(["/** Where a minion lives. */", "const spiritId = 1;", 'throw new AppError("catalog_unavailable");'])(
    "a product term in the kit is reported: %s",
    (line) => expect(productLines("kit/x.ts", line)).toHaveLength(1),
  );
});

describe("files", () => {
  test("rules, protocols, services and parsers have a test at the same path", () => {
    const untested = Array.from(sources.keys()).filter(
      (path) => needsTest(path) && !existsSync(`test/${path.replace(/\.ts$/, ".test.ts")}`) && !(path in testedElsewhere),
    );
    expect(untested).toEqual([]);
  });

  test("files that are tested elsewhere exist, and so does the test", () => {
    const wrong = Object.entries(testedElsewhere).filter(([path, by]) => !sources.has(path) || !existsSync(`test/${by}`));
    expect(wrong).toEqual([]);
  });

  test("a file has at most 350 lines", () => {
    const long = globSync("{src,dev,seed,bench,test}/**/*.ts", { exclude: ["src/bindings.d.ts", "**/node_modules/**"] }).filter(
      (path) => readFileSync(path, "utf8").split("\n").length > 351,
    );
    expect(long).toEqual([]);
  });

  test("a folder of src has at most twenty files, except the providers", () => {
    const counts = new Map<string, number>();
    for (const path of sources.keys()) {
      const folder = path.split("/").slice(0, -1).join("/");
      counts.set(folder, (counts.get(folder) ?? 0) + 1);
    }
    counts.delete("models/providers/vendors");
    expect(Array.from(counts).filter(([, count]) => count > 20)).toEqual([]);
  });
});
