import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";

const root = join(import.meta.dirname, "..");

export type CommandResult = {
  ok: boolean;
  /** Everything that it printed. */
  output: string;
  /** What it printed on stdout. */
  stdout: string;
};

/** Runs a command of `node_modules/.bin` from the root of the repository, and keeps what it prints. Its stdin is empty. */
export function exec(command: string, args: readonly string[]): Promise<CommandResult> {
  return new Promise((resolve) => {
    const path = [join(root, "node_modules/.bin"), process.env["PATH"]].join(delimiter);
    const child = spawn(command, args, {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, WRANGLER_SEND_METRICS: "false", PATH: path },
    });
    let output = "";
    let stdout = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.on("error", (error) => resolve({ ok: false, output: error.message, stdout }));
    child.on("close", (code) => resolve({ ok: code === 0, output, stdout }));
  });
}
