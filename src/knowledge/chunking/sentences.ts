/**
 * The end of a sentence: the next word starts like a sentence, or the script has no spaces. Closing marks and footnotes belong to the
 * sentence. An initial or a title ends no sentence.
 */
export const sentenceEnds =
  /(?<=[.!?…।؟۔።։။]["'”’“»«›‹)\]*_`]{0,3}(?:\[\w{1,3}\]){0,3})(?<!(?:^|[\s("'“‘„[])(?:(?!I)\p{Lu}|Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|No|Nr|Vol|Fig|vs|Hr|Fr|Mme|bzw|ca)\.)\s+(?=["'“‘„‚«»‹›([*_¿¡]{0,3}[\p{Lu}\p{Lo}\p{N}])|(?<=[。！？｡][」』）”’]{0,2})(?![」』）”’。！？])/gu;

/** Whether a line ends a sentence. @param tail the end of the line @param next the start of the next line */
export function endsSentence(tail: string, next: string): boolean {
  const end = tail.trimEnd();
  return Array.from(`${end}\n${next.trimStart()}`.matchAll(sentenceEnds)).some(({ index }) => index === end.length);
}
