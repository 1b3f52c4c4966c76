import * as z from "zod";
import type { CommandResult } from "../../exec.ts";
import { UserError } from "../../user-error.ts";

/** Runs wrangler with these arguments. */
export type RunWrangler = (args: readonly string[]) => Promise<CommandResult>;

const Whoami = z.object({
  loggedIn: z.boolean(),
  accounts: z.array(z.object({ id: z.string(), name: z.string() })).default([]),
});

const Secrets = z.array(z.object({ name: z.string() }));

/** Reads `wrangler whoami --json`: the accounts of the logged-in user; undefined without a login. */
export function parseWhoami({ stdout }: CommandResult): z.output<typeof Whoami>["accounts"] | undefined {
  const { loggedIn, accounts } = Whoami.parse(parseJson(stdout) ?? { loggedIn: false });
  return loggedIn ? accounts : undefined;
}

/** Reads `wrangler secret list`: the names of secrets; none for a Worker that was never deployed. @throws UserError */
export function parseSecretList({ ok, output, stdout }: CommandResult): string[] {
  if (ok) return Secrets.parse(parseJson(stdout)).map(({ name }) => name);
  if (/Worker "[^"]*".* not found/.test(output)) return [];
  throw new UserError(`wrangler could not list the secrets:\n${output}`);
}

/** Reads `wrangler queues info`: whether the queue exists. @throws UserError */
export function parseQueueInfo({ ok, output }: CommandResult): boolean {
  if (ok) return true;
  if (/Queue "[^"]*" does not exist/.test(output)) return false;
  throw new UserError(`wrangler could not look up a queue:\n${output}`);
}

/** The JSON value in an output, from its first bracket; undefined if there is none. */
function parseJson(output: string): unknown {
  const start = output.search(/[[{]/);
  try {
    return start === -1 ? undefined : JSON.parse(output.slice(start));
  } catch {
    return undefined;
  }
}

/** @throws UserError if nobody is logged in, or the account is ambiguous */
export async function assertLoggedIn(wrangler: RunWrangler, accountId: string | undefined): Promise<void> {
  const accounts = parseWhoami(await wrangler(["whoami", "--json"]));
  if (accounts === undefined) {
    throw new UserError("You are not logged in to Cloudflare: run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN.");
  }
  if (accounts.length < 2 || accountId) return;
  const list = accounts.map(({ id, name }) => `${id} (${name})`).join(", ");
  throw new UserError(`You have several Cloudflare accounts: set CLOUDFLARE_ACCOUNT_ID to one of ${list}.`);
}

/** Those of the queues that do not exist. @throws UserError */
export async function missingQueues(wrangler: RunWrangler, names: readonly string[]): Promise<string[]> {
  const missing: string[] = [];
  for (const name of names) if (!parseQueueInfo(await wrangler(["queues", "info", name]))) missing.push(name);
  return missing;
}

/** Those of the secrets that the Worker does not have. @throws UserError */
export async function missingSecrets(wrangler: RunWrangler, names: readonly string[]): Promise<string[]> {
  const known = parseSecretList(await wrangler(["secret", "list"]));
  return names.filter((name) => !known.includes(name));
}
