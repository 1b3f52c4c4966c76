/** `npm run dev`: runs until it gets a stop signal (exit code 0) or something fails (1). */
import { once } from "node:events";
import { startDevServer } from "./dev-server.ts";
import { UserError, runCommand } from "../user-error.ts";
import { readSettings } from "./settings.ts";

/** If stopping takes longer than this, it is cut short; the Worker's processes end by themselves then. */
const GRACE_MS = 10_000;

async function run(stop: AbortSignal): Promise<void> {
  const development = await startDevServer(readSettings(process.env), (line) => console.log(`  ${line}`), stop);
  console.log(
    `\n  API        ${development.url}\n  reference  ${development.url}/docs\n  mailbox    ${development.url}/dev/mailbox\n\n  Ctrl-C stops it.\n`,
  );
  try {
    const code = await Promise.race([development.ended, once(stop, "abort")]);
    if (typeof code === "number") throw new UserError(`wrangler ended by itself, with exit code ${code}.`);
  } finally {
    await development.close();
  }
}

/** Aborted by Ctrl-C, SIGTERM, and whatever the end of the terminal looks like from here. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  const abort = () => stop.abort();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, abort);
  for (const stream of [process.stdout, process.stderr]) stream.on("error", abort);
  // The shell between npm and us may die of a signal without passing it on.
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event) setInterval(() => process.ppid !== parent && abort(), 1_000).unref();
  stop.signal.addEventListener("abort", () => setTimeout(() => process.exit(1), GRACE_MS).unref());
  return stop.signal;
}

const stop = stopSignal();
await runCommand(async () => {
  try {
    await run(stop);
  } catch (error) {
    if (!stop.aborted) throw error;
  }
});
// A request to a Worker that never answered is not worth waiting for.
process.exit();
