import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { edits } from "./edits.ts";

/** Where the changed library stands. */
export const libraryFile = join(import.meta.dirname, "../../src/datasets/formats/pdf/pdfjs.mjs");

/** The library of the installed package with the changes. @throws Error if a text that is to be changed is not there */
export function changedLibrary(): string {
  const folder = dirname(createRequire(import.meta.url).resolve("unpdf"));
  const { version } = JSON.parse(readFileSync(join(folder, "../package.json"), "utf8")) as { version: string };
  let text = readFileSync(join(folder, "pdfjs.mjs"), "utf8");
  for (const { purpose, find, replace, times = 1 } of edits) {
    const parts = text.split(find);
    if (parts.length !== times + 1) throw new Error(`“${purpose}” matches ${parts.length - 1} times, not ${times}.`);
    text = parts.join(replace);
  }
  return `${header(version)}${text}`;
}

const header = (version: string) => `/*
 * PDF.js, as in unpdf ${version}, changed by dev/pdfjs/edits.ts. \`npm run pdfjs\` writes this file.
 * Copyright Mozilla Foundation. Licensed under the Apache License, Version 2.0: http://www.apache.org/licenses/LICENSE-2.0
 */
`;
