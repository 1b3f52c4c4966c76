/** What the PDF library tells of an annotation: a note, a mark, or a field of a form. */
export type Annotation = {
  subtype?: string;
  annotationFlags?: number;
  contentsObj?: { str?: string };
  fieldType?: string | null;
  fieldName?: string;
  fieldValue?: unknown;
  alternativeText?: string;
  password?: boolean;
};

/** The flags of annotations that are not shown: Hidden and NoView. Source: ISO 32000-1, table 165. */
const hiddenFlags = 2 | 32;

/** The lines of the filled fields and the notes of a page: `Name: value`, and `Note: text`. Hidden ones and passwords are not read. */
export function annotationLines(annotations: readonly Annotation[]): string[] {
  const shown = annotations.filter((each) => ((each.annotationFlags ?? 0) & hiddenFlags) === 0 && each.subtype !== "Popup");
  const { true: fields = [], false: others = [] } = Object.groupBy(shown, ({ subtype }) => String(subtype === "Widget"));
  const lines = [...fields.map(fieldLine), ...others.map(noteLine)];
  return [...new Set(lines.filter((line) => line !== undefined))];
}

function fieldLine({ fieldName, fieldValue, alternativeText, password }: Annotation): string | undefined {
  const value = valueText(fieldValue);
  if (value === "" || password === true) return undefined;
  const label = (alternativeText ?? "").trim() || (fieldName ?? "").trim() || "Field";
  return `${label}: ${value}`;
}

/** The value of a field: a text, chosen items, or a checked box. */
function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.map(valueText).join(", ");
  return typeof value === "string" && value !== "Off" ? value.trim() : "";
}

function noteLine({ contentsObj }: Annotation): string | undefined {
  const note = (contentsObj?.str ?? "").trim();
  return note === "" ? undefined : `Note: ${note}`;
}
