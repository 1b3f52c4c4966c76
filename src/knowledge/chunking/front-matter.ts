/** The front matter of a Markdown text: its end, and its `title`, if it has one. */
export type FrontMatter = { end: number; title: string | undefined };

/** The maximum length of front matter, in UTF-16 units. */
const maxLength = 16_384;

/** A line of YAML between `---`, or of TOML between `+++`. */
const lineOf = {
  "---": /^(?:\s.*|#.*|-(?:\s.*)?|[\]}],?|["']?[\w.@/-][\w .@/-]*["']?\s*:(?:\s.*)?)?$/,
  "+++": /^(?:\s.*|#.*|\[.*|[\]}],?|["'\w.-][\w ."'-]*=.*)?$/,
} as const;

/** Finds the front matter at the start of a text; undefined if the text starts with something else. */
export function frontMatterOf(text: string): FrontMatter | undefined {
  const [opening, mark] = /^\ufeff?(---|\+\+\+)[ \t]*\r?\n/.exec(text) ?? [];
  if (opening === undefined) return undefined;
  const lines = text.slice(opening.length, opening.length + maxLength).split("\n");
  let end = opening.length;
  for (const [index, raw] of lines.entries()) {
    const line = raw.trimEnd();
    end += raw.length;
    const isClosing = line === mark || (mark === "---" && line === "...");
    if (isClosing) return index === 0 ? undefined : { end, title: titleIn(lines.slice(0, index)) };
    if (!lineOf[mark as keyof typeof lineOf].test(line)) return undefined;
    end++;
  }
  return undefined;
}

/** The value of `title`: plain, quoted, or in the indented lines that follow it. */
function titleIn(lines: readonly string[]): string | undefined {
  const at = lines.findIndex((line) => /^["']?title["']?\s*[:=]/i.test(line));
  if (at < 0) return undefined;
  const first = lines[at]!.replace(/^[^:=]*[:=]/, "").trim();
  const after = lines.slice(at + 1);
  const ending = after.findIndex((line) => !/^\s+\S/.test(line));
  const following = after.slice(0, ending < 0 ? after.length : ending).map((line) => line.trim());
  const value = /^[>|][-+\d]*$/.test(first) ? following.join(" ") : unquoted([first, ...following].join(" ").trim());
  return value === "" ? undefined : value;
}

function unquoted(value: string): string {
  const quoted = /^"((?:[^"\\]|\\.)*)"|^'((?:[^']|'')*)'/.exec(value);
  if (quoted === null) return value.replace(/(?:^|\s)#.*$/, "").trim();
  const [, double, single] = quoted;
  return (double === undefined ? single!.replaceAll("''", "'") : double.replace(/\\(.)/g, "$1")).trim();
}
