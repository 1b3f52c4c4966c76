import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startNeonBridge } from "../dev/postgres/bridge/neon-bridge.ts";
import { connect } from "../dev/postgres/connect.ts";
import { UserError } from "../dev/user-error.ts";
import { openEmbeddedPostgres } from "../dev/postgres/embedded-postgres.ts";
import { buildWorker, startWorkerd, type Bundle, type WorkerdOptions } from "../dev/wrangler/workerd.ts";
import { migrate } from "../drizzle/migrate.ts";
import { seedCatalog } from "../seed/seed.ts";

const adminToken = "token-of-the-benchmark-s-administrator";

/** What a benchmark of the catalog needs: a seeded Postgres behind the bridge, and both Workers, bundled. */
export interface Rig {
  /** A folder that goes with the rig. */
  folder: string;
  ours: Bundle;
  bare: Bundle;
  /** What our Worker is told beside wrangler.toml. */
  bindings: Record<string, string>;
  /** State in which KV holds the published catalog. */
  publishedState: string;
  close(): Promise<void>;
}

export async function openRig(): Promise<Rig> {
  const folder = await mkdtemp(join(tmpdir(), "spiritforge-bench-"));
  const postgres = await openEmbeddedPostgres();
  const bridge = await startNeonBridge({ databaseUrl: postgres.url });
  const close = async () => {
    await bridge.close();
    await postgres.close();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await migrate(postgres.url);
    await seedCatalog(postgres.url);
    await signAdministratorIn(postgres.url);
    const ours = await buildWorker(join(folder, "ours"));
    const bare = await buildWorker(join(folder, "bare"), "bench/bare-worker.ts");
    const bindings = {
      DATABASE_URL: "postgres://bench:bench@localhost/bench",
      NEON_PROXY: bridge.url,
      AUTH_SECRET: "dev-secret-of-the-benchmark-only-------",
      KEY_SECRETS: "dev-secret-of-the-benchmark-only-------",
    };
    const publishedState = join(folder, "state");
    await publish({ modulePath: ours.modulePath, bindings, persist: publishedState, log: () => {} });
    return { folder, ours, bare, bindings, publishedState, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function signAdministratorIn(databaseUrl: string): Promise<void> {
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
    const reply = await fetch(`${workerd.url}/api/v2/admin/catalog/invalidate`, { method: "POST", headers });
    if (!reply.ok) throw new UserError(`The catalog could not be published: ${await reply.text()}`);
  } finally {
    await workerd.close();
  }
}
