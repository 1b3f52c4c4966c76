import type * as z from "zod";

type Issue = Parameters<z.core.$ZodErrorMap>[0];

/**
 * Gives zod's faults plain messages: "is required", "must be at least 1". They follow the path of the value: "level: is required".
 * A schema that has a message of its own keeps it.
 */
export const validationMessage: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined ? "is required" : typeMessage(issue.expected, issue.input);
    case "invalid_value":
      return issue.input === undefined ? "is required" : optionMessage(issue.values);
    case "too_small":
      return sizeMessage(issue, issue.minimum, issue.inclusive === false ? "more than" : "at least");
    case "too_big":
      return sizeMessage(issue, issue.maximum, issue.inclusive === false ? "less than" : "at most");
    case "not_multiple_of":
      return `must be a multiple of ${issue.divisor}`;
    case "invalid_format":
      return `must be ${formats[issue.format] ?? "in the expected format"}`;
    case "unrecognized_keys":
      return "is not a known key";
    case "invalid_union":
      return unionMessage(issue);
    case "invalid_key":
      return "has an invalid key";
    case "invalid_element":
      return "has an invalid value";
    case "custom":
    default:
      return "is invalid";
  }
};

const types: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  bigint: "a whole number",
  boolean: "true or false",
  array: "a list",
  tuple: "a list",
  object: "an object",
  record: "an object",
  map: "an object",
  date: "a date",
  file: "a file",
  null: "null",
};

const formats: Readonly<Record<string, string>> = {
  email: "an email address",
  url: "a URL",
  uuid: "a UUID",
  guid: "a UUID",
  datetime: "an ISO 8601 date and time, such as 2026-01-31T12:00:00Z",
  date: "a date, such as 2026-01-31",
  time: "a time, such as 12:00:00",
  ipv4: "an IPv4 address",
  ipv6: "an IPv6 address",
  base64: "base64",
  base64url: "base64url",
  json_string: "JSON",
};

function typeMessage(expected: string, input: unknown): string {
  if (expected === "never") return "is not allowed";
  const name = types[expected];
  if (name === undefined) return "is invalid";
  if (typeof input === "number" && (expected === "number" || expected === "int")) return `must be ${name}`;
  return `must be ${name}, not ${typeName(input)}`;
}

function typeName(input: unknown): string {
  if (input === null) return "null";
  if (Array.isArray(input)) return "a list";
  return typeof input === "boolean" ? "a boolean" : (types[typeof input] ?? "another type");
}

function optionMessage(values: readonly unknown[]): string {
  const names = values.map((value) => (value === "" ? "empty" : String(value)));
  return names.length === 1 ? `must be ${names[0]}` : `must be one of: ${names.join(", ")}`;
}

const units: Readonly<Record<string, readonly [one: string, many: string]>> = {
  string: ["character", "characters"],
  array: ["item", "items"],
  set: ["item", "items"],
  map: ["entry", "entries"],
  file: ["byte", "bytes"],
};

function sizeMessage(
  issue: Extract<Issue, { code: "too_small" | "too_big" }>,
  limit: number | bigint,
  comparison: string,
): string {
  const unit = units[issue.origin];
  if (issue.origin === "date") {
    return `must be ${issue.code === "too_small" ? "at or after" : "at or before"} ${new Date(Number(limit)).toISOString()}`;
  }
  const bound = `${issue.exact ? "exactly" : comparison} ${limit.toLocaleString("en-US")}`;
  if (unit === undefined) return `must be ${bound}`;
  return `must have ${bound} ${unit[Number(limit) === 1 ? 0 : 1]}`;
}

/** Joins the messages of the options about the value itself. Faults inside an option are left out. */
function unionMessage(issue: Extract<Issue, { code: "invalid_union" }>): string {
  if (issue.input === undefined) return "is required";
  if (issue.discriminator !== undefined) {
    const value = (issue.input as Record<string, unknown> | null)?.[issue.discriminator];
    if (value === undefined) return "is required";
    return Array.isArray(issue.options) ? optionMessage(issue.options) : "has an unknown value";
  }
  const errors: readonly z.core.$ZodIssue[][] = issue.errors;
  const messages = errors.flatMap((option) => option.filter(({ path }) => path.length === 0).map(({ message }) => message));
  return messages.length === 0 ? "matches none of the allowed forms" : [...new Set(messages)].join(", or ");
}
