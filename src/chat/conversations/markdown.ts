/** Collapses white space, and escapes HTML, for text inside one line of Markdown. */
export const singleLine = (text: string): string => escapeInline(text.replace(/\s+/g, " ").trim());

/**
 * A text in Markdown as a block quote, which contains it: an open code block, list or HTML block of it ends with the quote, and none of its
 * headings, lines or front matter is one of the document. Raw HTML could end the quote where the document is shown, so its brackets are escaped.
 */
export function quoteMarkdown(text: string): string {
  return escapeHtml(text.split(/\r\n|\r|\n/))
    .map((line) => (line === "" ? ">" : `> ${line}`))
    .join("\n");
}

/** Escapes HTML in lines, outside of code blocks and code spans. */
function escapeHtml(lines: readonly string[]): string[] {
  const escaped: string[] = [];
  let paragraph: string[] = [];
  let fence = "";
  let isIndentedCode = true;
  let hasList = false;
  const endParagraph = () => {
    if (paragraph.length > 0) escaped.push(...escapeInline(paragraph.join("\n")).split("\n"));
    paragraph = [];
  };
  for (const line of lines) {
    const mark = /^[\s>]*(?:(?:[-*+]|\d{1,9}[.)])\s+)*(`{3,}(?=[^`]*$)|~{3,})/.exec(line)?.[1] ?? "";
    const isClosing: boolean = fence !== "" && mark.startsWith(fence) && /^[\s>]*(?:`+|~+)\s*$/.test(line);
    const isCode: boolean = fence !== "" || (isIndentedCode && !hasList && /^(?: {4}|\t)/.test(line));
    if (fence === "" && mark !== "" && !isCode) {
      endParagraph();
      fence = mark;
      escaped.push(escapeInline(line));
    } else if (isCode || line.trim() === "") {
      endParagraph();
      escaped.push(line);
      if (isClosing) fence = "";
    } else paragraph.push(line);
    hasList ||= /^\s*(?:[-*+]|\d{1,9}[.)])\s/.test(line);
    isIndentedCode = line.trim() === "" || (isCode && !isClosing);
  }
  endParagraph();
  return escaped;
}

/** An escaped character, a code span, an address in brackets, or a bracket that starts HTML. */
const inlineTokens =
  /\\[^]|(?<!`)(`+)(?!`)[^]*?(?<!`)\1(?!`)|`+|<(?:[a-z][a-z\d+.-]{1,31}:[^\s<>]*|[^\s<>@]+@[^\s<>@]+)>|<(?=[a-z/!?])/gi;

function escapeInline(text: string): string {
  return text.replaceAll(inlineTokens, (token) => (token === "<" ? "\\<" : token));
}
