import { expect, test } from "vitest";
import { deploy, type DeployTools } from "../../../../dev/cli/deploy/deploy.ts";
import { productionConfig } from "../../../../dev/wrangler/config.ts";
import { makeFakeWrangler, type FakeAccount } from "./fake-wrangler.ts";
import { notLoggedIn } from "./recorded.ts";

const allQueues = ["spiritforge-jobs", "spiritforge-jobs-dead"];
const allSecrets = ["DATABASE_URL", "AUTH_SECRET", "KEY_SECRETS"];
const databaseUrl = "postgres://me:secret@ep-a-1.neon.tech/db";

/** A deploy for an account, and what it did. */
async function start(account: FakeAccount, given: Partial<DeployTools> = {}) {
  const wrangler = await makeFakeWrangler(account);
  const config = productionConfig();
  const steps: string[] = [];
  const lines: string[] = [];
  const done = deploy({
    wrangler: wrangler.run,
    config: { ...config, vars: { ...config.vars, PUBLIC_URL: "https://api.spiritforge.test" } },
    env: { DATABASE_URL: databaseUrl },
    confirm: async () => undefined,
    log: (line) => lines.push(line),
    check: async () => steps.push("check") > 0,
    prepareDatabase: async (url) => void steps.push(`prepare ${url}`),
    ...given,
  });
  return { done, steps, output: () => lines.join("\n"), wrangler };
}

test("a complete account is deployed to without a question", async () => {
  const { done, steps, output, wrangler } = await start({ queues: allQueues, secrets: allSecrets });
  await done;
  expect(steps).toEqual(["check", `prepare ${databaseUrl}`]);
  expect((await wrangler.calls()).at(-1)).toEqual({ call: "deploy" });
  expect(output()).toContain("Workers AI is not bound. To offer its models");
  expect(output()).toContain("Deployed: https://api.spiritforge.test.");
});

test("missing queues and secrets are created after a yes", async () => {
  const questions: string[] = [];
  const { done, output, wrangler } = await start(
    {},
    {
      async confirm(question) {
        questions.push(question);
        return true;
      },
    },
  );
  await done;
  expect(questions).toEqual([
    "The queues spiritforge-jobs, spiritforge-jobs-dead and the secrets DATABASE_URL, AUTH_SECRET, KEY_SECRETS do not exist yet. Create them?",
  ]);
  const calls = await wrangler.calls();
  expect(calls.slice(-3).map(({ call }) => call)).toEqual([
    "queues create spiritforge-jobs",
    "queues create spiritforge-jobs-dead",
    "deploy",
  ]);
  const { secrets } = calls.at(-1)!;
  expect(secrets).toEqual({
    DATABASE_URL: databaseUrl,
    AUTH_SECRET: expect.stringMatching(/^.{64}$/),
    KEY_SECRETS: expect.stringMatching(/^1:.{64}$/),
  });
  expect(output()).toContain(`Keep a copy of KEY_SECRETS`);
  expect(output()).toContain(secrets!["KEY_SECRETS"]);
  expect(output()).not.toContain(secrets!["AUTH_SECRET"]);
});

test.each([undefined, false])("the answer %s changes nothing and prints the commands", async (answer) => {
  const { done, steps, wrangler } = await start(
    { queues: ["spiritforge-jobs"], secrets: ["DATABASE_URL", "AUTH_SECRET"] },
    { confirm: async () => answer },
  );
  await expect(done).rejects.toThrow(
    [
      "Nothing was deployed: the queue spiritforge-jobs-dead and the secret KEY_SECRETS are missing. Create them with:",
      "  npx wrangler queues create spiritforge-jobs-dead",
      `  printf '1:%s' "$(openssl rand -base64 48 | tr -d '\\n')" | npx wrangler secret put KEY_SECRETS`,
    ].join("\n"),
  );
  expect(steps).toEqual([]);
  expect((await wrangler.calls()).map(({ call }) => call)).toEqual([
    "whoami --json",
    "queues info spiritforge-jobs",
    "queues info spiritforge-jobs-dead",
    "secret list",
  ]);
});

test("values of the environment become the secrets", async () => {
  const env = { DATABASE_URL: databaseUrl, AUTH_SECRET: "mine", KEY_SECRETS: "1:mine" };
  const { done, output, wrangler } = await start({ queues: allQueues }, { env, confirm: async () => true });
  await done;
  expect((await wrangler.calls()).at(-1)?.secrets).toEqual(env);
  expect(output()).not.toContain("Keep a copy");
});

test.each<[string, FakeAccount, Partial<DeployTools>, string]>([
  ["no login", { whoami: notLoggedIn }, {}, "You are not logged in to Cloudflare: run `npx wrangler login`"],
  [
    "several accounts",
    { whoami: JSON.stringify({ loggedIn: true, accounts: ["a", "b"].map((id) => ({ id, name: `Account ${id}` })) }) },
    {},
    "set CLOUDFLARE_ACCOUNT_ID to one of a (Account a), b (Account b).",
  ],
  ["no database", {}, { env: {} }, "DATABASE_URL is not set"],
  ["the example address", {}, { config: productionConfig() }, "PUBLIC_URL of [vars] in wrangler.toml is still the example"],
  ["failed checks", { queues: allQueues, secrets: allSecrets }, { check: async () => false }, "nothing was deployed"],
])("%s is refused", async (_, account, given, message) => {
  const { done, steps } = await start(account, given);
  await expect(done).rejects.toThrow(message);
  expect(steps).toEqual([]);
});
