import { randomBytes } from "node:crypto";
import type { WranglerConfig } from "../../wrangler/config.ts";
import { UserError } from "../../user-error.ts";
import { missingQueues, missingSecrets, type RunWrangler } from "./account.ts";

/** What a Worker needs before its first deploy. wrangler itself creates the KV namespace and the bucket. */
export interface MissingResources {
  queues: string[];
  /** Names and values to set. */
  secrets: Record<string, string>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** How the value of each secret is made that the environment does not have. */
const secretValues: Record<string, () => string> = {
  DATABASE_URL: () => "",
  AUTH_SECRET: () => randomSecret(),
  KEY_SECRETS: () => `1:${randomSecret()}`,
};

function randomSecret(): string {
  return randomBytes(48).toString("base64");
}

/** The queues that the configuration names, dead-letter queues too. */
function queueNames({ queues: { producers, consumers } }: Pick<WranglerConfig, "queues">): string[] {
  const names = [
    ...producers.map(({ queue }) => queue),
    ...consumers.flatMap(({ queue, dead_letter_queue }) => [queue, ...(dead_letter_queue ? [dead_letter_queue] : [])]),
  ];
  return [...new Set(names)];
}

/** Finds which queues and secrets are missing. Secrets get their value from the environment, else a random one. @throws UserError */
export async function findMissing(
  wrangler: RunWrangler,
  config: Pick<WranglerConfig, "queues">,
  env: Environment,
): Promise<MissingResources> {
  const queues = await missingQueues(wrangler, queueNames(config));
  const names = await missingSecrets(wrangler, Object.keys(secretValues));
  return { queues, secrets: Object.fromEntries(names.map((name) => [name, env[name] || secretValues[name]!()])) };
}

/**
 * Asks whether to create what is missing.
 *
 * @param confirm answers a question; undefined where nobody can be asked
 * @throws UserError, with the commands that create it, unless the answer is yes
 */
export async function confirmMissing(
  { queues, secrets }: MissingResources,
  confirm: (question: string) => Promise<boolean | undefined>,
): Promise<void> {
  const names = Object.keys(secrets);
  const parts = [list("queue", queues), list("secret", names)].filter(Boolean);
  if (parts.length === 0) return;
  const what = parts.join(" and the ");
  if (await confirm(`The ${what} do not exist yet. Create them?`)) return;
  const commands = [
    ...queues.map((name) => `npx wrangler queues create ${name}`),
    ...names.map((name) => `${commandToPrint(name)} | npx wrangler secret put ${name}`),
  ];
  throw new UserError(`Nothing was deployed: the ${what} are missing. Create them with:\n  ${commands.join("\n  ")}`);
}

function list(noun: string, names: readonly string[]): string {
  return names.length === 0 ? "" : `${noun}${names.length > 1 ? "s" : ""} ${names.join(", ")}`;
}

/** A shell command that prints a value for the secret. */
function commandToPrint(name: string): string {
  if (name === "DATABASE_URL") return `printf %s "$DATABASE_URL"`;
  const random = "$(openssl rand -base64 48 | tr -d '\\n')";
  return name === "KEY_SECRETS" ? `printf '1:%s' "${random}"` : `printf %s "${random}"`;
}

/** Creates queues. @throws UserError with the output of wrangler */
export async function createQueues(wrangler: RunWrangler, queues: readonly string[]): Promise<void> {
  for (const name of queues) {
    const { ok, output } = await wrangler(["queues", "create", name]);
    if (!ok) throw new UserError(`wrangler could not create the queue ${name}:\n${output}`);
  }
}
