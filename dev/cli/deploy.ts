import { unstable_readConfig as readConfig } from "wrangler";
import { migrate } from "../../drizzle/migrate.ts";
import { seedCatalog } from "../../seed/seed.ts";
import { check } from "./check.ts";
import { UserError, runCommand } from "../user-error.ts";
import { exec } from "../exec.ts";

/** `npm run deploy`: check → migrate → seed → deploy → publish the catalog. Refuses before it touches anything. */

const secrets = ["DATABASE_URL", "AUTH_SECRET", "KEY_SECRETS"];

type Target = { databaseUrl: string; publicUrl: string; apiKey: string | undefined };

/** @throws UserError, saying what is missing */
async function readTarget(): Promise<Target> {
  const { DATABASE_URL: databaseUrl, ADMIN_API_KEY: apiKey } = process.env;
  if (!databaseUrl) throw new UserError("DATABASE_URL is not set: the Neon database to migrate and seed.");
  const config = readConfig({ config: "wrangler.toml", env: "production" });
  for (const { binding, id } of config.kv_namespaces) {
    if (!/^[0-9a-f]{32}$/.test(id ?? "")) {
      throw new UserError(
        `The KV namespace ${binding} of [env.production] in wrangler.toml has no id: create it and put its id there.`,
      );
    }
  }
  const publicUrl = String(config.vars["PUBLIC_URL"]);
  if (new URL(publicUrl).hostname.endsWith("example.com")) {
    throw new UserError(
      "PUBLIC_URL of [env.production.vars] in wrangler.toml is still the example: say where clients will reach us.",
    );
  }
  if (!(await exec("wrangler", ["whoami"])).ok) {
    throw new UserError("There is no Cloudflare account: run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN.");
  }
  const { ok, output } = await exec("wrangler", ["secret", "list", "--env", "production"]);
  const missing = ok ? secrets.filter((name) => !output.includes(`"${name}"`)) : secrets;
  if (missing.length > 0) {
    throw new UserError(`The Worker has no ${missing.join(" and no ")}: \`npx wrangler secret put NAME --env production\`.`);
  }
  return { databaseUrl, publicUrl, apiKey };
}

async function deploy({ databaseUrl, publicUrl, apiKey }: Target): Promise<void> {
  if (!(await check())) throw new UserError("The checks failed: nothing was deployed.");
  for (const tag of await migrate(databaseUrl)) console.log(`migrated ${tag}`);
  await seedCatalog(databaseUrl, console.log);
  const { ok, output } = await exec("wrangler", ["deploy", "--env", "production"]);
  console.log(output);
  if (!ok)
    throw new UserError("wrangler could not deploy; the database is migrated and seeded, which the running Worker can bear.");
  if (apiKey === undefined) {
    console.log(
      `Deployed: ${publicUrl}. Cron publishes the catalog within five minutes; with ADMIN_API_KEY set, deploy does it at once.`,
    );
    return;
  }
  const url = new URL("/api/v2/admin/catalog/invalidate", publicUrl);
  const reply = await fetch(url, { method: "POST", headers: { authorization: `Bearer ${apiKey}` } });
  if (!reply.ok) throw new UserError(`Deployed, but the catalog was not published: ${reply.status} ${await reply.text()}`);
  console.log(`Deployed and published: ${publicUrl}`);
}

await runCommand(async () => deploy(await readTarget()));
