import { WorkMeter } from "../kit/async/work-meter.ts";
import { loadAnalyzer } from "../kit/text/analyzer.ts";
import { detectLanguage } from "../kit/text/languages.ts";
import { textVector } from "../kit/text/text-search.ts";
import { searchedLength } from "./tables.ts";

/** The terms by which a message is found, in the language of its text. */
export async function messageTerms(text: string, work = new WorkMeter()): Promise<string> {
  return textVector(await loadAnalyzer(), text.slice(0, searchedLength), detectLanguage(text), work);
}
