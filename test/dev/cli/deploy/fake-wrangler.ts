import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exec } from "../../../../dev/exec.ts";
import { scratchFolder } from "../../support/scratch.ts";
import { notFoundWorker, notLoggedIn, queueInfo, secretList, unknownQueue, whoami } from "./recorded.ts";

/** What the fake knows: an account, its queues, and the secrets of the Worker if it was deployed. */
export type FakeAccount = { whoami?: string; queues?: string[]; secrets?: string[] };

/** The executable: it prints what is in `replies.json`, and appends to `calls.jsonl` what it was called with. */
const script = `#!/usr/bin/env node
const { appendFileSync, readFileSync } = require("node:fs");
const { join } = require("node:path");
const args = process.argv.slice(2);
const file = args.indexOf("--secrets-file");
const secrets = file === -1 ? undefined : JSON.parse(readFileSync(args[file + 1], "utf8"));
const call = file === -1 ? args : args.slice(0, file);
appendFileSync(join(__dirname, "calls.jsonl"), JSON.stringify({ call: call.join(" "), secrets }) + "\\n");
const replies = JSON.parse(readFileSync(join(__dirname, "replies.json"), "utf8"));
const { stdout = "", stderr = "", code = 0 } = replies[call.join(" ")] ?? {};
process.stdout.write(stdout);
process.stderr.write(stderr);
process.exitCode = code;
`;

/** A `wrangler` that answers for an account as the real one does. */
export async function makeFakeWrangler({ whoami: who = whoami, queues = [], secrets }: FakeAccount) {
  const folder = await scratchFolder();
  const infos = ["spiritforge-jobs", "spiritforge-jobs-dead"].map((name) => [
    `queues info ${name}`,
    queues.includes(name) ? { stdout: queueInfo } : { stderr: unknownQueue(name), code: 1 },
  ]);
  const replies = {
    "whoami --json": { stdout: who, code: who === notLoggedIn ? 1 : 0 },
    "secret list": secrets === undefined ? { stderr: notFoundWorker, code: 1 } : { stdout: secretList(secrets) },
    deploy: { stdout: "Deployed spiritforge triggers\n" },
    ...Object.fromEntries(infos),
  };
  await writeFile(join(folder, "replies.json"), JSON.stringify(replies));
  const executable = join(folder, "wrangler.cjs");
  await writeFile(executable, script);
  await chmod(executable, 0o755);
  return {
    run: (args: readonly string[]) => exec(executable, args),
    /** What it was called with so far, and the secrets that it was given. */
    async calls(): Promise<{ call: string; secrets?: Record<string, string> }[]> {
      const lines = (await readFile(join(folder, "calls.jsonl"), "utf8")).trim().split("\n");
      return lines.map((line) => JSON.parse(line));
    },
  };
}
