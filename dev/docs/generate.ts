/** `npm run docs`: writes the generated parts of the documents. `--check` fails where one of them is not up to date. */
import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import * as chat from "../../src/chat/protocol.ts";
import * as notifications from "../../src/notifications/protocol.ts";
import { UserError, runCommand } from "../user-error.ts";
import { frameTable } from "./frame-tables.ts";
import { eventTable, fieldTable } from "./log-tables.ts";

const root = join(import.meta.dirname, "../..");

/** What is generated, by document and by the name in its markers. */
const generated: Record<string, Record<string, () => string>> = {
  "docs/websockets.md": {
    "conversation client frames": () => frameTable(chat.ClientFrame, "client"),
    "conversation server frames": () => frameTable(chat.RoomFrame, "server"),
    "user client frames": () => frameTable(notifications.ClientFrame, "client"),
    "user server frames": () => frameTable(notifications.ServerFrame, "server"),
  },
  "docs/chat.md": { "chat transport": () => codeBlock("examples/chat-transport.ts") },
  "docs/operations.md": { "log events": eventTable, "log fields": fieldTable },
};

/** The code of a file, without the comment at its start. */
function codeBlock(path: string): string {
  const code = readFileSync(join(root, path), "utf8").replace(/^\/\*\*.*\*\/\n/, "");
  return `\`\`\`ts\n${code.trim()}\n\`\`\``;
}

/**
 * A document with its generated parts written anew: what stands between `<!-- generated: name -->` and `<!-- /generated -->`.
 * @throws UserError if the markers of a part are missing
 */
export function fillIn(text: string, parts: Record<string, () => string>): string {
  let filled = text;
  for (const [name, render] of Object.entries(parts)) {
    const start = `<!-- generated: ${name} -->`;
    const from = filled.indexOf(start);
    const to = filled.indexOf("<!-- /generated -->", from);
    if (from === -1 || to === -1) throw new UserError(`The document has no markers for "${name}".`);
    filled = `${filled.slice(0, from + start.length)}\n\n${render()}\n\n${filled.slice(to)}`;
  }
  return filled;
}

async function generate(isCheck: boolean): Promise<void> {
  for (const [path, parts] of Object.entries(generated)) {
    const file = join(root, path);
    const before = await readFile(file, "utf8");
    const after = fillIn(before, parts);
    if (after === before) continue;
    if (isCheck) throw new UserError(`${path} is not up to date. Run \`npm run docs\`.`);
    await writeFile(file, after);
    console.log(`wrote ${relative(root, file)}`);
  }
}

if (import.meta.main) await runCommand(() => generate(process.argv.includes("--check")));
