/**
 * Parses JSON and keeps every number exact: one that is not exactly a double, such as a 64-bit integer, becomes a text as it was written. Check the
 * limits of the text first, because the parser cannot be paused.
 * @throws SyntaxError
 */
export function parseExactJson(text: string): unknown {
  return mayBeInexact.test(text) ? JSON.parse(text, exactly) : JSON.parse(text);
}

/** A number of 16 or more digits, or with an exponent. */
const mayBeInexact = /\d[\d.]{15}|\d[eE]/;

function exactly(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || context?.source === undefined) return value;
  return exactNumber(context.source);
}

/** The value of a number in JSON: a number if it is exactly a double, otherwise the text. */
export function exactNumber(text: string): number | string {
  const number = Number(text);
  return digitsOf(String(number)) === digitsOf(text) ? number : text;
}

/** The significant digits and the exponent of a decimal number: equal for equal numbers, apart from their sign. */
function digitsOf(number: string): string {
  const [, whole = "", fraction = "", exponent = "0"] = /^-?(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?$/.exec(number) ?? [];
  if (whole === "") return number;
  const digits = (whole + fraction).replace(/^0+/, "");
  const significant = withoutLastZeros(digits);
  return significant === "" ? "0" : `${significant}e${Number(exponent) + digits.length - significant.length - fraction.length}`;
}

/** The digits without the zeros at the end, in linear time. */
function withoutLastZeros(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === "0") end--;
  return digits.slice(0, end);
}
