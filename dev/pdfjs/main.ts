/**
 * `npm run pdfjs`: writes `src/datasets/formats/pdf/pdfjs.mjs`, which is the PDF.js of the package `unpdf` with changes: it gives way after an amount
 * of work, and refuses what it cannot do in parts.
 */
import { writeFileSync } from "node:fs";
import { changedLibrary, libraryFile } from "./changed-library.ts";

writeFileSync(libraryFile, changedLibrary());
