import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { descendants } from "../dev/support/processes.ts";

const root = join(import.meta.dirname, "../..");

/** `npm run dev` with data of its own, whose consumer can be killed. */
export class DevInstance {
  readonly url: string;
  readonly #folder: string;
  readonly #port: number;
  #child: ChildProcess | undefined;
  /** What it has printed since its last start. */
  output = "";

  constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Starts it, and waits until it answers. @throws Error with its output, if it ends */
  async start(): Promise<void> {
    const own = {
      PORT: String(this.#port),
      DATABASE_URL: "",
      OLLAMA_HOST: "127.0.0.1:1",
      SPIRITFORGE_DATA: this.#folder,
      SPIRITFORGE_SECRETS: join(this.#folder, "secrets.vars"),
    };
    const child = spawn(process.execPath, ["dev/cli/main.ts"], { cwd: root, env: { ...process.env, ...own }, stdio: "pipe" });
    this.#child = child;
    this.output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (this.output += chunk.toString()));
    while (!this.output.includes("Ctrl-C stops it.")) {
      if (child.exitCode !== null) throw new Error(`npm run dev ended: ${this.output}`);
      await sleep(100);
    }
  }

  /** Kills workerd with SIGKILL, and stops the rest. */
  async kill(): Promise<void> {
    const processes = await descendants(this.#child!.pid!);
    const workers = processes.filter(({ command }) => /workerd[^ ]* serve/.test(command));
    if (workers.length === 0) throw new Error("No workerd process was found.");
    for (const { pid } of workers) process.kill(pid, "SIGKILL");
    await this.stop();
  }

  /** The URL of its Postgres. */
  async databaseUrl(): Promise<string> {
    return JSON.parse(await readFile(join(this.#folder, "instance.json"), "utf8")).databaseUrl as string;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  }
}
