import { strFromU8, unzipSync } from "fflate";
import { textOf, wordsOf, type Outcome } from "./read-document.ts";
import { filesOf, judgeInvalid, judgeValid, missingWords, wrong, type Case, type Suite, type Verdict } from "./suite.ts";

/** The words of the body of a Word document, without deleted text and fallback content. */
function wordsOfDocx(bytes: Uint8Array): string[] {
  const files = unzipSync(bytes);
  const body = Object.keys(files).find((name) => /^word\/document\d*\.xml$/.test(name));
  if (body === undefined) return [];
  const xml = strFromU8(files[body]!)
    .replaceAll(/<(mc:Fallback|w:del|w:moveFrom)(?:\s[^>]*[^/])?>[\s\S]*?<\/\1>/g, "")
    .replaceAll(/<w:(?:tab|br|cr|p)(?: [^>]*)?\/?>/g, "<w:t> </w:t>")
    .replaceAll(/<w:instrText[\s\S]*?<\/w:instrText>/g, "");
  const texts = Array.from(xml.matchAll(/<w:t(?: [^>]*)?>([^<]*)<\/w:t>/g), ([, text = ""]) => text);
  return wordsOf(texts.join("").replaceAll("&amp;", "&").replaceAll("&lt;", "<").replaceAll("&gt;", ">"));
}

function judgeDocx(outcome: Outcome, bytes: Uint8Array): Verdict {
  let expected: string[];
  try {
    expected = wordsOfDocx(bytes);
  } catch {
    return judgeInvalid(outcome);
  }
  if (expected.length === 0)
    return outcome.rows.length === 0 || textOf(outcome).trim() !== "" ? "refusal" : wrong("has empty rows");
  const verdict = judgeValid(outcome);
  if (verdict !== "result") return verdict;
  const missing = missingWords(expected, wordsOf(textOf(outcome)));
  return missing.length === 0 ? "result" : wrong(`lacks ${missing.length} words, such as “${missing[0]}”`);
}

function* docxCases(folder: string, pattern: string): Generator<Case> {
  for (const { name, bytes } of filesOf(folder, pattern)) yield { name, bytes, judge: (outcome) => judgeDocx(outcome, bytes) };
}

/** Sentences that refuse a PDF, or a page of it, for a reason that the file has. */
const pdfRefusals =
  /password|without text|has no text|may be an image|damaged or truncated|more than \d|too much data|do not say which characters|unknown CMap|is a damaged page|is not valid UTF-8/;

/** Text of characters that no font of the page explains: private use, controls, replacement characters. */
function garbageShare(text: string): number {
  const visible = text.match(/\S/gu)?.length ?? 0;
  // oxlint-disable-next-line no-control-regex -- it is what is looked for
  const odd = text.match(/[\p{Co}\p{Cn}\uFFFD\u0000-\u0008\u000E-\u001F]/gu)?.length ?? 0;
  return visible === 0 ? 0 : odd / visible;
}

function judgePdf(outcome: Outcome): Verdict {
  const other = [
    ...outcome.problems.map(({ message }) => message),
    ...(outcome.refusal === undefined ? [] : [outcome.refusal]),
  ];
  const unexplained = other.find((sentence) => !pdfRefusals.test(sentence));
  if (unexplained !== undefined) return wrong(unexplained);
  const garbled = outcome.rows.find(({ text }) => garbageShare(text) > 0.3);
  if (garbled !== undefined) return wrong(`garbage: ${JSON.stringify(garbled.text.slice(0, 40))}`);
  return outcome.rows.length > 0 ? "result" : "refusal";
}

export const documentSuites: Suite[] = [
  {
    format: "PDF",
    repository: "https://github.com/mozilla/pdf.js",
    commit: "0f26334f9d6f96119f6e5164fb65832fbbde7344",
    *cases(folder) {
      for (const { name, bytes } of filesOf(folder, "test/pdfs/*.pdf")) yield { name, bytes, judge: judgePdf };
    },
  },
  {
    format: "DOCX",
    repository: "https://github.com/mwilliamson/mammoth.js",
    commit: "e3b9cecdaa3df0d9007ed7b06add53c65516e429",
    cases: (folder) => docxCases(folder, "test/test-data/**/*.docx"),
  },
  {
    format: "DOCX",
    repository: "https://github.com/python-openxml/python-docx",
    commit: "e45454602b53e8e572b179ccf1c91093ec9f4ed7",
    cases: (folder) => docxCases(folder, "{features,tests}/**/*.docx"),
  },
];
