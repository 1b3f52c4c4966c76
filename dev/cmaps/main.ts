/**
 * `npm run cmaps -- <folder>`: writes `src/datasets/formats/pdf/cmaps.json` from the `external/bcmaps` of
 * https://github.com/mozilla/pdf.js (at 0f26334f9d6f96119f6e5164fb65832fbbde7344). It has the CMaps that ISO 32000-1 predefines, table 118, and those from
 * character IDs to Unicode.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

const pairs =
  "GB-EUC GBpc-EUC GBK-EUC GBKp-EUC GBK2K UniGB-UCS2 UniGB-UTF16 B5pc HKscs-B5 ETen-B5 ETenms-B5 CNS-EUC UniCNS-UCS2 UniCNS-UTF16 " +
  "90ms-RKSJ 90msp-RKSJ Add-RKSJ EUC Ext-RKSJ UniJIS-UCS2 UniJIS-UCS2-HW UniJIS-UTF16 KSC-EUC KSCms-UHC KSCms-UHC-HW UniKS-UCS2 UniKS-UTF16";
const single = "83pv-RKSJ-H 90pv-RKSJ-H KSCpc-EUC-H H V Adobe-GB1-UCS2 Adobe-CNS1-UCS2 Adobe-Japan1-UCS2 Adobe-Korea1-UCS2";
const names = [...pairs.split(" ").flatMap((name) => [`${name}-H`, `${name}-V`]), ...single.split(" ")];

const folder = process.argv[2]!;
const files = names.map((name) => readFileSync(join(folder, `${name}.bcmap`)));
const bytes = Buffer.concat(files);
const params = {
  [constants.BROTLI_PARAM_QUALITY]: 11,
  [constants.BROTLI_PARAM_LGWIN]: 22,
  [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
};
const lengths = Object.fromEntries(names.map((name, index) => [name, files[index]!.length]));
const data = brotliCompressSync(bytes, { params }).toString("base64");
writeFileSync("src/datasets/formats/pdf/cmaps.json", `${JSON.stringify({ lengths, data })}\n`);
