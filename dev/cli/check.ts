import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { developmentWorker } from "../wrangler/vars.ts";
import { exec, type CommandResult } from "../exec.ts";

/** Everything the gate asks but the tests: each step says what it proves. */

const root = join(import.meta.dirname, "../..");
const migrations = join(root, "drizzle/migrations");

/** Whether a step passed, and what it printed. */
type StepResult = Pick<CommandResult, "ok" | "output">;

const steps: Record<string, () => Promise<StepResult>> = {
  "generated types are up to date": () => exec("npm", ["run", "--silent", "types", "--", "--check"]),
  "types hold": () => exec("tsc", ["--noEmit"]),
  "lint is clean": () => exec("oxlint", ["--type-aware", "--deny-warnings"]),
  "nothing is unused": () => exec("knip", ["--no-progress"]),
  "format is ours": () => exec("oxfmt", ["--check"]),
  "generated parts of documents are up to date": () => exec("node", ["dev/docs/generate.ts", "--check"]),
  "documents name only what exists": () => exec("node", ["dev/docs/check-docs.ts"]),
  "migrations are in step with the schema": migrationsInStep,
  "the production bundle builds": () => dryRun([]),
  "the development bundle builds": () => dryRun([developmentWorker.main, "--name", developmentWorker.name]),
};

/** `drizzle-kit generate` over a copy of the migrations must find nothing to add; `drizzle-kit check` does not notice. */
async function migrationsInStep(): Promise<StepResult> {
  return inTemporaryFolder(async (folder) => {
    const copy = join(folder, "migrations");
    await cp(migrations, copy, { recursive: true });
    // drizzle-kit takes a folder from the root only; from an absolute one it writes nothing, and still exits with 0.
    const args = ["generate", "--dialect", "postgresql", "--schema", "./src/schema.ts", "--out", relative(root, copy)];
    const { ok, output } = await exec("drizzle-kit", args);
    const before = new Set(await readdir(migrations));
    const added = (await readdir(copy)).filter((file) => !before.has(file));
    const understood = output.includes("No schema changes");
    return {
      ok: ok && understood && added.length === 0,
      output: `${output}\nRun \`npm run db:generate\`: ${added.join(", ")} is missing.`,
    };
  });
}

function dryRun(args: string[]): Promise<StepResult> {
  return inTemporaryFolder((folder) => exec("wrangler", ["deploy", "--dry-run", "--outdir", folder, ...args]));
}

async function inTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "spiritforge-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs every step, two at a time, whatever the others say, and tells which failed. */
export async function check(): Promise<boolean> {
  let allHold = true;
  const waiting = Object.entries(steps);
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [name, step] = next;
      const start = performance.now();
      const { ok, output } = await step();
      console.log(`${ok ? "✓" : "✗"} ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
      if (!ok) console.log(output.trim().replace(/^/gm, "    "));
      allHold &&= ok;
    }
  };
  await Promise.all([work(), work()]);
  return allHold;
}

if (import.meta.main) process.exitCode = (await check()) ? 0 : 1;
