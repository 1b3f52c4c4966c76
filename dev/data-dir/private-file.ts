import { rmSync, writeFileSync } from "node:fs";

/** Writes a file that only its owner can read, whatever was there before. */
export function writePrivateFile(path: string, text: string): void {
  rmSync(path, { force: true });
  writeFileSync(path, text, { mode: 0o600, flag: "wx" });
}
