/**
 * Runs a command (the arguments) in a process group of its own until it ends, or until stdin does: that is a pipe from
 * dev, so it ends when dev does, even by SIGKILL. Then nothing of the group is left, whatever the command had started.
 */
import { spawn } from "node:child_process";

/** wrangler needs well under a second. */
const GRACE_MS = 5_000;

const [command, ...args] = process.argv.slice(2);
const child = spawn(command!, args, { stdio: ["ignore", "inherit", "inherit"] });
let orphaned = false;

function killProcessGroup(): void {
  process.kill(-process.pid, "SIGKILL");
}

child.once("exit", (code) => {
  if (orphaned) killProcessGroup();
  process.exit(code ?? 1);
});

process.stdin.resume().once("close", () => {
  orphaned = true;
  child.kill("SIGTERM");
  setTimeout(killProcessGroup, GRACE_MS);
});
