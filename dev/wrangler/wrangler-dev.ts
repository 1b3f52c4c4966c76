import { spawn } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { developmentWorker } from "./vars.ts";

export interface Wrangler {
  /** Resolves with the exit code once it has ended, by itself or by `close`. */
  ended: Promise<number>;
  /** Drops the output of the start, and prints all later output. */
  show(): void;
  /** Ends it, with everything that it started. */
  close(): Promise<void>;
}

/**
 * Starts `wrangler dev` for the Worker of development, with all its state in `folder`.
 *
 * What it says on stdout is held back until `show` is called, or it says something on stderr, or ends.
 *
 * @param options.port where the Worker listens on 127.0.0.1
 * @param options.envFiles files with vars and secrets, the later ones winning; passed by name, so that `ps` shows no secret
 */
export function startWrangler(options: { port: number; folder: string; envFiles: string[] }): Wrangler {
  const processGroup = join(import.meta.dirname, "process-group.ts");
  const cli = fileURLToPath(import.meta.resolve("wrangler"));
  const child = spawn(process.execPath, [processGroup, process.execPath, "--no-warnings", cli, ...commandLine(options)], {
    cwd: join(import.meta.dirname, "../.."),
    env: { ...process.env, ...environment(options.folder) },
    detached: true,
    stdio: "pipe",
  });

  let held: string[] | undefined = [];
  const flush = () => {
    for (const line of held ?? []) console.log(line);
    held = undefined;
  };
  createInterface(child.stdout).on("line", (line) => (held === undefined ? console.log(line) : held.push(line)));
  child.stderr.on("data", (chunk: Buffer) => {
    flush();
    process.stderr.write(chunk);
  });
  child.stdin.on("error", () => {});

  const ended = new Promise<number>((resolve) => {
    child.once("exit", (code) => {
      flush();
      killProcessGroup(child.pid);
      resolve(code ?? 1);
    });
  });
  return {
    ended,
    show: () => (held = undefined),
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}

function commandLine({ port, folder, envFiles }: { port: number; folder: string; envFiles: string[] }): string[] {
  return [
    "dev",
    developmentWorker.main,
    `--name=${developmentWorker.name}`,
    "--ip=127.0.0.1",
    `--port=${port}`,
    "--inspector-port=0",
    `--persist-to=${join(folder, "wrangler")}`,
    ...envFiles.map((file) => `--env-file=${file}`),
    "--test-scheduled",
    "--show-interactive-dev-session=false",
  ];
}

/** Nothing outside the data folder, which keeps instances apart, and nothing over the network. */
function environment(folder: string): Record<string, string> {
  return {
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    WRANGLER_CACHE_DIR: join(folder, "wrangler/cache"),
    WRANGLER_HIDE_BANNER: "true",
    WRANGLER_REGISTRY_PATH: join(folder, "wrangler/registry"),
    WRANGLER_SEND_ERROR_REPORTS: "false",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_WRITE_LOGS: "false",
    // Tracing every request into the data folder halves the speed.
    X_LOCAL_OBSERVABILITY: "false",
    // The build runs `node`: this one.
    PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
    ...(process.stdout.hasColors?.() ? { FORCE_COLOR: "1" } : {}),
  };
}

/** Whatever outlived the processGroup, should it have been killed. */
function killProcessGroup(leader: number | undefined): void {
  try {
    if (leader !== undefined) process.kill(-leader, "SIGKILL");
  } catch {
    // Nobody is left.
  }
}
