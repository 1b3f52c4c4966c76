import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writePrivateFile } from "../../data-dir/private-file.ts";
import { UserError } from "../../user-error.ts";
import type { WranglerConfig } from "../../wrangler/config.ts";
import { assertLoggedIn, type RunWrangler } from "./account.ts";
import { confirmMissing, createQueues, findMissing } from "./resources.ts";

/** What a deploy works with. */
export interface DeployTools {
  wrangler: RunWrangler;
  config: WranglerConfig;
  env: Readonly<Record<string, string | undefined>>;
  confirm(question: string): Promise<boolean | undefined>;
  log(line: string): void;
  /** Whether the checks of the repository pass. */
  check(): Promise<boolean>;
  /** Migrates and seeds a database. */
  prepareDatabase(url: string): Promise<void>;
}

const WORKERS_AI_HINT =
  "Workers AI is not bound. To offer its models, billed to your account, uncomment [ai] in wrangler.toml and run `npm run types`.";

/**
 * Checks, migrates, seeds, deploys and publishes the catalog. Refuses before it changes anything.
 *
 * @throws UserError, saying what is missing or failed
 */
export async function deploy({ wrangler, config, env, confirm, log, check, prepareDatabase }: DeployTools): Promise<void> {
  const { DATABASE_URL: databaseUrl, ADMIN_API_KEY: apiKey, CLOUDFLARE_ACCOUNT_ID: accountId } = env;
  if (!databaseUrl) throw new UserError("DATABASE_URL is not set: set it to the Neon database to migrate and seed.");
  const publicUrl = readPublicUrl(config);
  await assertLoggedIn(wrangler, accountId);
  const missing = await findMissing(wrangler, config, env);
  await confirmMissing(missing, confirm);
  if (config.ai === undefined) log(WORKERS_AI_HINT);

  if (!(await check())) throw new UserError("The checks failed: nothing was deployed.");
  await createQueues(wrangler, missing.queues);
  await prepareDatabase(databaseUrl);
  const { ok, output } = await deployWithSecrets(wrangler, missing.secrets);
  log(output);
  if (!ok)
    throw new UserError("wrangler could not deploy. The database is migrated and seeded; the running Worker works with it.");
  if ("KEY_SECRETS" in missing.secrets && !env["KEY_SECRETS"]) {
    log(`Keep a copy of KEY_SECRETS: without it, the provider keys of users are lost.\n  ${missing.secrets["KEY_SECRETS"]}`);
  }
  await publishCatalog(publicUrl, apiKey, log);
}

/** @throws UserError for the example */
function readPublicUrl({ vars: { PUBLIC_URL: publicUrl } }: WranglerConfig): string {
  if (!new URL(publicUrl).hostname.endsWith("example.com")) return publicUrl;
  throw new UserError("PUBLIC_URL of [vars] in wrangler.toml is still the example: set it to where clients reach the Worker.");
}

/** The secrets go up together with the code: a Worker never runs without them. */
async function deployWithSecrets(wrangler: RunWrangler, secrets: Record<string, string>): ReturnType<RunWrangler> {
  if (Object.keys(secrets).length === 0) return wrangler(["deploy"]);
  const folder = await mkdtemp(join(tmpdir(), "spiritforge-deploy-"));
  try {
    const file = join(folder, "secrets.json");
    writePrivateFile(file, JSON.stringify(secrets));
    return await wrangler(["deploy", "--secrets-file", file]);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function publishCatalog(publicUrl: string, apiKey: string | undefined, log: DeployTools["log"]): Promise<void> {
  if (!apiKey) {
    log(
      `Deployed: ${publicUrl}. Cron publishes the catalog within five minutes; with ADMIN_API_KEY set, deploy does it at once.`,
    );
    return;
  }
  const url = new URL("/api/v2/admin/catalog/invalidate", publicUrl);
  const reply = await fetch(url, { method: "POST", headers: { authorization: `Bearer ${apiKey}` } });
  if (!reply.ok) throw new UserError(`Deployed, but the catalog was not published: ${reply.status} ${await reply.text()}`);
  log(`Deployed and published: ${publicUrl}`);
}
