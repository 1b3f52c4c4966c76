import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../../dev/port.ts";
import { makeFolder } from "../support/scratch.ts";

const root = join(import.meta.dirname, "../../..");
const linked = ["dev", "node_modules", "package.json", "public", "src", "tsconfig.json"];

/**
 * Runs `wrangler dev` as somebody does who knows nothing of this repository: in a copy of it with a `.dev.vars` of its own, in an
 * empty home, without a login and without a network.
 */
export async function startPlainDev(vars: Record<string, string>) {
  const folder = await makeFolder();
  const project = join(folder, "project");
  const home = join(folder, "home");
  await Promise.all([mkdir(project), mkdir(home)]);
  for (const name of linked) await symlink(join(root, name), join(project, name));
  const lines = Object.entries(vars).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(join(project, ".dev.vars"), lines.join(""));
  await writeFile(join(project, "wrangler.toml"), await readFile(join(root, "wrangler.toml"), "utf8"));

  const inherited = Object.entries(process.env).filter(([name]) => !/^(CLOUDFLARE|WRANGLER|CF|XDG)_/.test(name));
  const env: NodeJS.ProcessEnv = {
    ...(Object.fromEntries(inherited) as NodeJS.ProcessEnv),
    HOME: home,
    HTTPS_PROXY: "http://127.0.0.1:1",
    PATH: [join(root, "node_modules/.bin"), process.env["PATH"]].join(":"),
  };
  const port = await freePort();
  const args = ["dev", "--ip", "127.0.0.1", "--port", String(port), "--inspector-port", "0"];
  const group = [join(root, "dev/wrangler/process-group.ts"), "wrangler", ...args];
  const child = spawn(process.execPath, group, { cwd: project, env, detached: true, stdio: "pipe" });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, "close");
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    output: () => output,
    /** Waits for a reply that holds a text. @returns its status @throws Error with the output of wrangler, if it ends */
    async waitFor(path: string, text: string): Promise<number> {
      for (;;) {
        if (child.exitCode !== null) throw new Error(`wrangler ended: ${output.slice(-2_000)}`);
        const reply = await fetch(url + path).catch(() => undefined);
        if (reply !== undefined && (await reply.text()).includes(text)) return reply.status;
        await sleep(200);
      }
    },
    async close() {
      child.stdin.end();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
