/** Checks that every file, heading, command, variable and API path that the documents name exists. */
import { globSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { app } from "../../src/app.ts";
import { describeApi } from "../cli/openapi.ts";
import { UserError, runCommand } from "../user-error.ts";
import { anchorsOf, checkDocument, folders, variablesIn, type Facts } from "./check-document.ts";

const root = join(import.meta.dirname, "../..");

/** Files that define the variables that a document may name. */
const variableSources = ["src/env.ts", "wrangler.toml", ".dev.vars.example", "{dev,drizzle,examples,seed}/**/*.{ts,sh}"];

/** The documents that are checked. */
const documents = (): string[] =>
  globSync(["*.md", "docs/**/*.md", "examples/**/*.md", ".github/**/*.md"], { cwd: root })
    .filter((path) => !path.startsWith("examples/documents/"))
    .toSorted();

/** Reads from the repository what its documents can name. */
function readFacts(): Facts {
  const read = (path: string) => readFileSync(join(root, path), "utf8");
  const files = globSync(["*", ".*", `{${folders.join()}}/**`, `{${folders.join()}}/**/.*`], { cwd: root });
  const sources = globSync(variableSources, { cwd: root }).map(read).join("\n");
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  const { paths = {} } = describeApi(app);
  return {
    paths: new Set(files.flatMap((path) => (statSync(join(root, path)).isFile() ? [path, ...foldersOf(path)] : []))),
    ignored: new Set(
      read(".gitignore")
        .split("\n")
        .map((line) => line.replace(/\/$/, "")),
    ),
    anchors: new Map(documents().map((path) => [path, anchorsOf(read(path))])),
    scripts: new Set(Object.keys(scripts)),
    variables: new Set(variablesIn(sources)),
    operations: new Set(
      Object.entries(paths).flatMap(([path, item]) =>
        Object.keys(item as object).map((method) => `${method.toUpperCase()} ${path}`),
      ),
    ),
  };
}

function foldersOf(path: string): string[] {
  const folder = dirname(path);
  return folder === "." ? [] : [folder, ...foldersOf(folder)];
}

async function check(): Promise<void> {
  const facts = readFacts();
  const faults = documents().flatMap((path) => checkDocument(path, readFileSync(join(root, path), "utf8"), facts));
  if (faults.length > 0) throw new UserError(faults.join("\n"));
}

if (import.meta.main) await runCommand(check);
