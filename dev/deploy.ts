import { unstable_readConfig as readConfig } from "wrangler";
import { migrate } from "../drizzle/migrate.ts";
import { seedCatalog } from "../seed/seed.ts";
import { check } from "./check.ts";
import { Failure, runCommand } from "./failure.ts";
import { run } from "./run.ts";

/** `npm run deploy`: check → migrate → seed → deploy → publish the catalog. Refuses before it touches anything. */

const secrets = ["DATABASE_URL", "ADMIN_SECRET"];

type Target = { databaseUrl: string; adminSecret: string; apiUrl: string };

function setting(name: string, what: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Failure(`${name} is not set: ${what}.`);
  return value;
}

/** @throws Failure, saying what is missing */
async function readTarget(): Promise<Target> {
  const target = {
    databaseUrl: setting("DATABASE_URL", "the Neon database to migrate and seed"),
    adminSecret: setting("ADMIN_SECRET", "the secret that publishes the catalog once the Worker is deployed"),
    apiUrl: setting("API_URL", "where the deployed Worker answers, such as https://spiritforge.example.workers.dev"),
  };
  const { kv_namespaces: namespaces } = readConfig({ config: "wrangler.toml", env: "production" });
  for (const { binding, id } of namespaces) {
    if (!/^[0-9a-f]{32}$/.test(id ?? "")) {
      throw new Failure(
        `The KV namespace ${binding} of [env.production] in wrangler.toml has no id: create it and put its id there.`,
      );
    }
  }
  if (!(await run("wrangler", ["whoami"])).ok) {
    throw new Failure("There is no Cloudflare account: run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN.");
  }
  const { ok, output } = await run("wrangler", ["secret", "list", "--env", "production"]);
  const missing = ok ? secrets.filter((name) => !output.includes(`"${name}"`)) : secrets;
  if (missing.length > 0) {
    throw new Failure(`The Worker has no ${missing.join(" and no ")}: \`npx wrangler secret put NAME --env production\`.`);
  }
  return target;
}

async function deploy({ databaseUrl, adminSecret, apiUrl }: Target): Promise<void> {
  if (!(await check())) throw new Failure("The checks failed: nothing was deployed.");
  for (const tag of await migrate(databaseUrl)) console.log(`migrated ${tag}`);
  await seedCatalog(databaseUrl, console.log);
  const { ok, output } = await run("wrangler", ["deploy", "--env", "production"]);
  console.log(output);
  if (!ok)
    throw new Failure("wrangler could not deploy; the database is migrated and seeded, which the running Worker can bear.");
  const url = new URL("/api/v2/admin/catalog/invalidate", apiUrl);
  const reply = await fetch(url, { method: "POST", headers: { authorization: `Bearer ${adminSecret}` } });
  if (!reply.ok) throw new Failure(`Deployed, but the catalog was not published: ${reply.status} ${await reply.text()}`);
  console.log(`Deployed and published: ${apiUrl}`);
}

await runCommand(async () => deploy(await readTarget()));
