import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { SetContent, SetDocument } from "./types.ts";

/** The endings of files that hold text. */
const text = /\.(?:md|rst|txt)$/;

/** Reads text files, and those of folders. Their questions were written for them, see `questions/`. */
export async function readTextFiles(folder: string, paths: readonly string[]): Promise<SetContent> {
  const documents: SetDocument[] = [];
  for (const path of paths) {
    const isFolder = (await stat(join(folder, path))).isDirectory();
    const names = isFolder ? await readdir(join(folder, path), { recursive: true }) : [""];
    for (const name of names.filter((each) => each === "" || text.test(each)).toSorted()) {
      const file = join(path, name);
      documents.push({ name: file, text: (await readFile(join(folder, file), "utf8")).replaceAll("\r\n", "\n") });
    }
  }
  return { documents, questions: [] };
}
