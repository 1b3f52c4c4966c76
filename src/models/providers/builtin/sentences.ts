/** A sentence or a heading, as offsets into its text. */
export type Sentence = { start: number; end: number; isHeading: boolean };

type Span = Pick<Sentence, "start" | "end">;

/** A Markdown marker at the start of a line: a bullet, a number, a heading, a quote or a table bar. */
const marker = String.raw`(?:[>|]|[#*•-]+\s|\d{1,3}[.)]\s)`;
const markers = new RegExp(String.raw`^\s*(?:${marker}\s*)*`);

/** The end of a wrapped line: both lines have text, the first is not a heading, and the next has no marker. */
const wrap = new RegExp(String.raw`(?<=^(?!#)[^\n]*\S[^\S\n]*)\r?\n(?=[^\S\n]*(?!${marker})\S)`, "gm");

/** An abbreviation at the end of what looks like a sentence, as in “Dr. Smith”, “z. B.” or “J. S. Bach”. */
const abbreviated = /(?:^|[\s(.])(?:\p{L}|Dr|Mr|Mrs|Ms|Mme|Prof|St|Nr|vs|approx|resp|bzw|Fig|Abb)\.\s*$/u;

/** Splits a text into sentences, without surrounding space and markers. A sentence continues over a wrapped line, but not into a list item. */
export function sentencesOf(text: string): Sentence[] {
  const unwrapped = text.replace(wrap, (newline) => " ".repeat(newline.length));
  const spans: Span[] = [];
  let before = "";
  for (const { index, segment } of new Intl.Segmenter("en", { granularity: "sentence" }).segment(unwrapped)) {
    const last = spans.at(-1);
    const end = index + segment.length;
    if (last !== undefined && continues(before, segment)) last.end = end;
    else spans.push({ start: index, end });
    before = segment;
  }
  return spans.map((span) => trimmed(text, span)).filter(({ start, end }) => /[\p{L}\p{N}]/u.test(text.slice(start, end)));
}

function continues(segment: string, next: string): boolean {
  return !segment.endsWith("\n") && (abbreviated.test(segment) || /^\s*\p{Ll}/u.test(next));
}

function trimmed(text: string, { start, end }: Span): Sentence {
  const sentence = text.slice(start, end);
  const lead = markers.exec(sentence)?.[0].length ?? 0;
  return {
    start: start + lead,
    end: start + Math.max(lead, sentence.trimEnd().length),
    isHeading: sentence.trimStart().startsWith("#"),
  };
}
