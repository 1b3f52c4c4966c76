/** `npm run example <name>` runs an example; without a name it lists them. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const [name, ...args] = process.argv.slice(2);
const folder = import.meta.dirname;
const files = readdirSync(folder).filter(
  (file) => /\.(ts|sh)$/.test(file) && !["main.ts", "support.ts", "chat-transport.ts", "array-chat.ts"].includes(file),
);
const file = files.find((candidate) => candidate.replace(/\.\w+$/, "") === name);

if (file === undefined) {
  if (name !== undefined) console.error(`There is no example "${name}".\n`);
  console.log("Usage: npm run example <name>\n");
  for (const each of files) {
    const [, summary] = /^(?:#!.*\n# |\/\*\* )(.*?)(?: \*\/)?$/m.exec(readFileSync(join(folder, each), "utf8")) ?? [];
    console.log(`  ${each.replace(/\.\w+$/, "").padEnd(20)} ${summary}`);
  }
  process.exit(name === undefined ? 0 : 1);
}

const command = file.endsWith(".sh") ? "bash" : process.execPath;
process.exitCode = spawnSync(command, [join(folder, file), ...args], { stdio: "inherit" }).status ?? 1;
