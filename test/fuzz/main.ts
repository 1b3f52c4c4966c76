import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { fetch, Response, type Request } from "miniflare";
import { exec } from "../../dev/exec.ts";
import { reasonOf, runCommand, UserError } from "../../dev/user-error.ts";
import { openTestDatabase, startApi, testSettings, type TestApi } from "../support/api.ts";
import { buildDevelopment } from "../support/build-worker.ts";
import { providerKey } from "../support/canary.ts";
import { seedPostgres } from "../support/global-setup.ts";
import { startFakeHub } from "../support/vendors/huggingface-datasets.ts";
import { startVendor } from "../support/vendors/server.ts";
import { fakedVendor } from "../support/vendors/vendors.ts";
import { usedHeapBytes } from "./heap.ts";
import { runFuzz, type Failure } from "./run.ts";
import type { RateLimit } from "../support/worker.ts";
import { createSender, type World } from "./world.ts";

/** `npm run fuzz`: sends random and hostile requests to the whole Worker, and checks every reply. */

const usage = `Usage: npm run fuzz -- [--seed <number>] [--requests 10000]
`;

/** The JavaScript heap of the Worker may grow by so many bytes: more is a leak. */
const maxGrowth = 64 * 1024 ** 2;

await runCommand(async () => {
  const { seed, requests } = readArguments();
  console.log(`Seed ${seed}, ${requests.toLocaleString("en")} requests. Building …`);
  const folder = await mkdtemp(join(tmpdir(), "spiritforge-fuzz-"));
  const cleanup: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  try {
    const count = await fuzz(folder, cleanup, seed, requests);
    if (count > 0)
      throw new UserError(`${count} failures. Run them again with: npm run fuzz -- --seed ${seed} --requests ${requests}`);
  } finally {
    for (const step of cleanup.toReversed()) await step();
  }
});

// A Worker that did not start leaves servers open.
process.exit();

function readArguments(): { seed: number; requests: number } {
  try {
    const text = { type: "string" } as const;
    const { values } = parseArgs({ options: { seed: text, requests: { ...text, default: "10000" } } });
    const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9));
    const requests = Number(values.requests);
    if (!Number.isSafeInteger(seed) || !(requests >= 1)) throw new UserError(usage);
    return { seed, requests: Math.trunc(requests) };
  } catch (cause) {
    throw new UserError(usage, { cause });
  }
}

/** @returns the number of failures */
async function fuzz(folder: string, cleanup: (() => Promise<unknown>)[], seed: number, requests: number): Promise<number> {
  const seededFolder = join(folder, "postgres");
  const [{ modulePath, configPath }] = await Promise.all([buildDevelopment(folder), seedPostgres(seededFolder)]);
  const key = providerKey("fuzz");
  const custom = await startVendor(fakedVendor("custom").protocol, key);
  cleanup.push(() => custom.close());
  const ollama = await startVendor({ ...fakedVendor("ollama").protocol, key: () => key }, key);
  cleanup.push(() => ollama.close());
  const hub = await startFakeHub();
  cleanup.push(() => hub.close());
  const hosts = [custom, ollama].map(({ baseUrl }) => new URL(baseUrl).host);
  const database = await openTestDatabase(seededFolder);
  cleanup.push(() => database.close());
  const vars = { EGRESS_ALLOWED_HOSTS: hosts.join(" "), OLLAMA_URL: ollama.baseUrl, HF_DATASETS_URL: hub.url };
  const overrides = { ratelimits: await withoutLimits(configPath), outboundService: fetchLocally, inspector: true };
  const api = await startApi(vars, database, {
    built: { modulePath, configPath },
    storage: join(folder, "storage"),
    overrides,
  });
  const failures: string[] = [];
  try {
    const world = await createWorld(api, seed, custom.baseUrl, key);
    const inspector = await api.worker.inspectorUrl();
    const before = { heap: await usedHeapBytes(inspector), process: await workerdBytes() };
    const found = await runFuzz(world, {
      seed,
      requests,
      vendor: custom,
      onFailure: (failure) => printFailure(seed, failure),
      onProgress: printProgress,
    });
    failures.push(
      ...found.map(({ target, fault, count }) => `${target}: ${fault.kind} (${count}×, ${fault.detail.slice(0, 200)})`),
    );
    const after = { heap: await usedHeapBytes(inspector), process: await workerdBytes() };
    console.log(`JavaScript heap: ${mebibytes(before.heap)} MiB at the start, ${mebibytes(after.heap)} MiB at the end.`);
    console.log(
      `Memory of workerd: ${mebibytes(before.process)} MiB at the start, ${mebibytes(after.process)} MiB at the end.`,
    );
    const growth = after.heap - before.heap;
    if (growth > maxGrowth) failures.push(`The JavaScript heap grew by ${mebibytes(growth)} MiB.`);
    for (const path of ["/health", "/api/v2/health"]) {
      const { status } = await api.get(path, { signal: AbortSignal.timeout(30_000) });
      if (status !== 200) failures.push(`${path} answers ${status} at the end.`);
    }
    // The harness has moved the temporary folder of this process into one that is deleted.
    const logFile = join(dirname(folder), "spiritforge-fuzz.log");
    await writeFile(logFile, api.logs().join("\n"));
    console.log(`The log of the Worker is in ${logFile}.`);
  } finally {
    await api.close().catch((error: unknown) => failures.push(reasonOf(error)));
  }
  console.log(failures.length === 0 ? "No failures." : failures.map((failure) => `- ${failure}`).join("\n"));
  return failures.length;
}

/** The network of the Worker: this machine alone. Random URLs in requests reach nobody. */
async function fetchLocally(request: Request): Promise<Response> {
  return new URL(request.url).hostname === "127.0.0.1" ? fetch(request) : new Response(null, { status: 502 });
}

/** The rate limits of the configuration, so high that they refuse nothing. */
async function withoutLimits(configPath: string) {
  const { ratelimits } = JSON.parse(await readFile(configPath, "utf8")) as {
    ratelimits: ({ name: string } & RateLimit)[];
  };
  const limit = 1_000_000_000;
  return Object.fromEntries(ratelimits.map(({ name, simple, ...rest }) => [name, { ...rest, simple: { ...simple, limit } }]));
}

async function createWorld(api: TestApi, seed: number, provider: string, key: string): Promise<World> {
  const connection = { api, provider, providerKey: key };
  const canary = `victimcanary${seed}`;
  const victim = await createSender(connection, "victim", canary);
  const senders = [await createSender(connection, "first", "first 0"), await createSender(connection, "second", "second 0")];
  const administrator = await createSender(connection, "administrator", "administrator 0", ["user", "superuser"]);
  const { AUTH_SECRET, KEY_SECRETS, DATABASE_URL } = testSettings("");
  const secrets = [AUTH_SECRET, KEY_SECRETS, DATABASE_URL, victim.person.token, victim.apiKey];
  return { ...connection, senders, administrator, victim, canary, secrets };
}

function printFailure(seed: number, { number, target, fault, request, reply }: Failure): void {
  // The console of this process must not show a token.
  process.stdout.write(
    `\nFailure at seed ${seed}, request ${number}: ${target}: ${fault.kind}: ${fault.detail}\n${request}\n${reply}\n\n`,
  );
}

function printProgress(done: number): void {
  if (done % 500 < 4) console.log(`${done.toLocaleString("en")} requests`);
}

function mebibytes(bytes: number): string {
  return Math.round(bytes / 1024 ** 2).toLocaleString("en");
}

/** The resident memory of the workerd processes that this process started. */
async function workerdBytes(): Promise<number> {
  const { output } = await exec("ps", ["-A", "-o", "ppid=,rss=,comm="]);
  const rows = output.split("\n").map((line) => line.trim().split(/\s+/));
  const own = rows.filter(([parent, , command]) => Number(parent) === process.pid && command?.includes("workerd"));
  return own.reduce((total, [, kibibytes]) => total + Number(kibibytes) * 1024, 0);
}
