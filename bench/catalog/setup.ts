import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "../../dev/postgres/connect.ts";
import { UserError } from "../../dev/user-error.ts";
import { buildWorker, startWorkerd, type Bundle, type WorkerdOptions } from "../../dev/wrangler/workerd.ts";
import { startBackend } from "../support/backend.ts";
import { buildMinimalWorker } from "../support/minimal-worker.ts";

const adminToken = "token-of-the-benchmark-s-administrator";

/** A backend, and both Workers as bundles. */
export interface BenchSetup {
  /** `close` deletes this folder. */
  folder: string;
  /** The production Worker. */
  bundle: Bundle;
  /** Its bindings, besides those of wrangler.toml. */
  bindings: Record<string, string>;
  /** The path of the bundled baseline Worker. */
  baselinePath: string;
  /** A folder with Miniflare state, in which KV holds the published catalog. */
  publishedState: string;
  close(): Promise<void>;
}

/** Starts the backend, builds both Workers and publishes the catalog to KV. */
export async function openSetup(): Promise<BenchSetup> {
  const { folder, databaseUrl, bindings, close } = await startBackend();
  try {
    await insertAdministrator(databaseUrl);
    const bundle = await buildWorker(join(folder, "production"));
    const baselineFolder = join(folder, "baseline");
    await mkdir(baselineFolder);
    const baselinePath = await buildMinimalWorker(baselineFolder, join(import.meta.dirname, "baseline-worker.ts"));
    const publishedState = join(folder, "state");
    await publish({ modulePath: bundle.modulePath, bindings, persist: publishedState, log: () => {} });
    return { folder, bundle, bindings, baselinePath, publishedState, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function insertAdministrator(databaseUrl: string): Promise<void> {
  const client = await connect(databaseUrl);
  try {
    await client.query(
      `with administrator as (
         insert into users (email, name, roles) values ('bench@example.com', 'bench', '{admin}') returning id
       )
       insert into sessions (user_id, token, expires_at) select id, $1, now() + interval '1 day' from administrator`,
      [adminToken],
    );
  } finally {
    await client.end();
  }
}

async function publish(options: WorkerdOptions): Promise<void> {
  const workerd = await startWorkerd(options);
  try {
    const headers = { authorization: `Bearer ${adminToken}` };
    const response = await fetch(`${workerd.url}/api/v2/admin/catalog/invalidate`, { method: "POST", headers });
    if (!response.ok) throw new UserError(`Publishing the catalog failed: ${await response.text()}`);
  } finally {
    await workerd.close();
  }
}
