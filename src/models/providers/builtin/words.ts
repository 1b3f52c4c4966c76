import { normalizeUnicode } from "../../../kit/unicode.ts";

/** Normalizes compatibility forms and case, and removes the accents of Latin, Greek and Cyrillic. */
export function fold(text: string): string {
  const lower = normalizeUnicode(text, "NFKC").toLowerCase();
  return /[^\0-\x7f]/.test(lower)
    ? lower
        .normalize("NFD")
        .replace(/[\u0300-\u036f]/g, "")
        .normalize("NFC")
    : lower;
}

/** Function words: the most common ones of six languages. */
const functionWords = new Set(
  (
    "a about above after again all also am an and any are as at be because been before being below between both but by can " +
    "could did do does doing down during each few for from further had has have having he her here hers him his how i if in " +
    "into is it its itself just may me might more most must my no nor not of off on once only or other our out over own shall " +
    "she should so some such than that the their them then there these they this those through to too under until up upon us " +
    "very was we were what when where whether which while who whom whose why will with would you your yours " +
    "aber als am auch auf aus bei bis dann das dass dem den der des dir du ein eine einem einen einer eines er es " +
    "ich ihm ihn ihr im ist ja kann man mein mich mir mit nach nicht noch nur ob oder ohne sein sich sie sind um und uns vom von " +
    "wann warum was wenn wer werden wie wir wird wo zu zum zur uber " +
    "au aux avec ce ces cette comment dans de des donc du elle en est et il ils je la le les leur lui mais mes mon ne nous " +
    "ont ou par pas pour pourquoi quand que quel quelle qui sa sans ses sont sur ta te tu un une vous y " +
    "al como con cual cuando cuanto del desde donde el ella ellos esta este esto fue hay la las lo los mas mi muy o " +
    "pero por porque que se si sin sobre su sus tiene una uno unos ya " +
    "の は が を に で と も か です ます した いる ある から まで より 的 了 是 在 和 吗 呢"
  ).split(" "),
);

/** Checks whether a folded word is a function word. */
export function isFunctionWord(word: string): boolean {
  return functionWords.has(word);
}
