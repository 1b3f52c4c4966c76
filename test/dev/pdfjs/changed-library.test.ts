import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { changedLibrary, libraryFile } from "../../../dev/pdfjs/changed-library.ts";

test("the PDF library of the repository is the installed one with the changes: otherwise run `npm run pdfjs`", () => {
  expect(readFileSync(libraryFile, "utf8") === changedLibrary()).toBe(true);
});
