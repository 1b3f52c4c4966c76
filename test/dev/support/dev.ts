import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { descendants, survivors } from "./processes.ts";

const root = join(import.meta.dirname, "../../..");

/** Runs `node <script>` as npm would, with nothing on stdin, and with this data folder. */
export function runScript(script: string, folder: string, settings: Record<string, string> = {}, args: readonly string[] = []) {
  const own = {
    DATABASE_URL: "",
    OLLAMA_HOST: "127.0.0.1:1",
    SPIRITFORGE_DATA: folder,
    SPIRITFORGE_SECRETS: join(folder, "secrets.vars"),
  };
  const env = { ...process.env, ...own, ...settings };
  const child = spawn(process.execPath, [script, ...args], { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, "close").then(([code, signal]: (number | string | null)[]) => ({ code, signal, output }));
  return {
    ended,
    kill: (signal: NodeJS.Signals) => void child.kill(signal),
    /** Waits until it has printed the text. @throws Error with its output, if it ends without */
    prints: (text: string) =>
      new Promise<void>((resolve, reject) => {
        const check = () => output.includes(text) && resolve();
        for (const stream of [child.stdout, child.stderr]) stream.on("data", check);
        child.once("close", () => reject(new Error(`It ended without printing "${text}": ${output}`)));
        check();
      }),
    children: () => descendants(child.pid ?? Number.NaN),
  };
}

/** Starts `npm run dev` on a port. */
export function runDev(folder: string, port: number, settings: Record<string, string> = {}) {
  const dev = runScript("dev/cli/main.ts", folder, { PORT: String(port), ...settings });
  return {
    ...dev,
    folder,
    port,
    url: `http://127.0.0.1:${port}`,
    ready: () => dev.prints("Ctrl-C stops it."),
    databaseUrl: async () => JSON.parse(await readFile(join(folder, "instance.json"), "utf8")).databaseUrl as string,
  };
}

/** Waits until none of the processes is left. */
export function allGone(processes: Awaited<ReturnType<typeof descendants>>): Promise<unknown> {
  return expect.poll(async () => (await survivors(processes)).map(({ command }) => command)).toEqual([]);
}
