/** `npm run deploy`: publishes the Worker of wrangler.toml. */
import { migrate } from "../../../drizzle/migrate.ts";
import { seedCatalog } from "../../../seed/seed.ts";
import { confirm } from "../../confirm.ts";
import { exec } from "../../exec.ts";
import { runCommand } from "../../user-error.ts";
import { productionConfig } from "../../wrangler/config.ts";
import { check } from "../check.ts";
import { deploy } from "./deploy.ts";

await runCommand(() =>
  deploy({
    wrangler: (args) => exec("wrangler", args),
    config: productionConfig(),
    env: process.env,
    confirm,
    log: console.log,
    check,
    async prepareDatabase(url) {
      for (const tag of await migrate(url)) console.log(`migrated ${tag}`);
      await seedCatalog(url, console.log);
    },
  }),
);
