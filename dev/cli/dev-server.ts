import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { migrate } from "../../drizzle/migrate.ts";
import { seedCatalog } from "../../seed/seed.ts";
import { startEmbeddedPostgres, connectOwnPostgres, type PostgresServer } from "../postgres/start-postgres.ts";
import { startEmbeddings } from "../embeddings/start-thread.ts";
import { makeInterruptedJobsDue } from "../postgres/interrupted-jobs.ts";
import { UserError } from "../user-error.ts";
import { claimInstance } from "../data-dir/instance.ts";
import { assertPortFree } from "../port.ts";
import { writePrivateFile } from "../data-dir/private-file.ts";
import { findOllama, ollamaVars, type Ollama } from "../wrangler/ollama.ts";
import { ensureSecrets } from "../wrangler/secrets.ts";
import { developmentVars } from "../wrangler/vars.ts";
import { callSchedule, runCron } from "./cron.ts";
import type { Settings } from "./settings.ts";
import { productionConfig } from "../wrangler/config.ts";
import { startWrangler, type Wrangler } from "../wrangler/wrangler-dev.ts";

export interface DevServer {
  /** Where the Worker answers. */
  url: string;
  /** Resolves with wrangler's exit code once it has ended. */
  ended: Promise<number>;
  /** Stops everything, in reverse order. */
  close(): Promise<void>;
}

type Log = (line: string) => void;

/** What the Worker is connected to. */
type Services = { postgres: PostgresServer; embeddingsUrl: string; ollama: Ollama | undefined };

/**
 * Runs the whole system on this machine: PostgreSQL, the bridge, migrations, the catalog, the embedding server, then the Worker.
 *
 * @param signal aborted to give up on the way; what was started is stopped first
 * @throws UserError where something that the developer can change is in the way
 */
export async function startDevServer(settings: Settings, log: Log, signal: AbortSignal): Promise<DevServer> {
  const { port, folder } = settings;
  const cleanup: (() => unknown)[] = [];
  const close = async () => {
    for (const undo of cleanup.splice(0).toReversed()) await undo();
  };
  try {
    await assertPortFree(port);
    const instance = claimInstance(folder);
    cleanup.push(instance.release);

    const postgres = await startPostgres(settings, log);
    cleanup.push(postgres.close);
    instance.record(postgres.databaseUrl);
    signal.throwIfAborted();

    await migrate(postgres.databaseUrl, { log });
    signal.throwIfAborted();
    await seedCatalog(postgres.databaseUrl, log);
    signal.throwIfAborted();
    // Another process may use the developer's own server.
    const jobs = settings.databaseUrl === undefined ? await makeInterruptedJobsDue(postgres.databaseUrl) : 0;
    if (jobs > 0) log(`${jobs} interrupted jobs go on`);

    const embeddings = await startEmbeddings();
    cleanup.push(embeddings.close);
    const ollama = await findOllama(settings.ollamaUrl);
    if (ollama !== undefined) log(describeOllama(ollama));
    const envFiles = writeVars(settings, { postgres, embeddingsUrl: embeddings.url, ollama }, log);
    const wrangler = startWrangler({ port, folder, envFiles });
    cleanup.push(wrangler.close);
    log("starting the Worker");
    const url = `http://127.0.0.1:${port}`;
    await waitUntilHealthy(url, wrangler, signal);
    wrangler.show();
    const cron = new AbortController();
    cleanup.push(() => cron.abort());
    const call = (expression: string) => callSchedule(url, expression, cron.signal);
    void runCron(productionConfig().triggers.crons, call, { signal: cron.signal, report: log });
    return { url, ended: wrangler.ended, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startPostgres({ folder, databaseUrl }: Settings, log: Log): Promise<PostgresServer> {
  if (databaseUrl !== undefined) {
    log(`PostgreSQL at ${databaseUrl.host}`);
    return connectOwnPostgres(databaseUrl);
  }
  log(`embedded Postgres in ${folder}`);
  const isFirst = !existsSync(join(folder, "postgres"));
  if (isFirst) log("first start: Postgres initialises its data folder, which takes a few seconds");
  return startEmbeddedPostgres(folder);
}

function describeOllama({ url, models }: Ollama): string {
  if (models.length === 0) return `Ollama at ${url} has no models: \`ollama pull\` one`;
  return `Ollama at ${url} offers ${models.map((name) => `ollama/${name}`).join(", ")}`;
}

/** @returns the files that hold the Worker's vars and secrets; what the later one says wins */
function writeVars({ folder, port, secretsFile }: Settings, { postgres, embeddingsUrl, ollama }: Services, log: Log): string[] {
  const added = ensureSecrets(secretsFile, join(import.meta.dirname, "../../.dev.vars.example"));
  if (added.length > 0) log(`made development values for ${added.join(", ")} in ${secretsFile}`);
  const defaults = writeVarsFile(join(folder, "development.vars"), { ...developmentVars, ...(ollama && ollamaVars(ollama)) });
  const instance = writeVarsFile(join(folder, "instance.vars"), {
    ...postgres.vars,
    EMBEDDINGS_URL: embeddingsUrl,
    PUBLIC_URL: `http://127.0.0.1:${port}`,
  });
  return [defaults, secretsFile, instance];
}

function writeVarsFile(file: string, vars: Record<string, string>): string {
  // wrangler expands $NAME inside values.
  const lines = Object.entries(vars).map(([name, value]) => `${name}="${value.replaceAll("$", "%24")}"\n`);
  writePrivateFile(file, lines.join(""));
  return file;
}

/** Waits until the Worker itself says that it is well. */
async function waitUntilHealthy(url: string, wrangler: Wrangler, signal: AbortSignal): Promise<void> {
  while (!(await isHealthy(url, signal))) {
    const code = await Promise.race([wrangler.ended, sleep(100, undefined, { signal })]);
    if (code !== undefined) throw new UserError(`wrangler ended with exit code ${code} before the Worker answered.`);
  }
}

async function isHealthy(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const reply = await fetch(`${url}/health`, { signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]) });
    await reply.body?.cancel();
    return reply.ok;
  } catch {
    return false;
  }
}
