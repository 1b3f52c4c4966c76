import { toStorableText } from "../../../kit/db/text.ts";
import { maxRecordLength, maxRecordValues } from "../../constants.ts";
import { tooLongMessage } from "../limits.ts";
import type { RowProblem } from "../types.ts";
import { broken, decodeUtf8 } from "./value-parsers.ts";

type Fault = Pick<RowProblem, "code" | "message">;

/** A record as JSON values, or why it cannot be one. */
type PlainRecord = { plain: Record<string, unknown>; leftOut?: Fault } | { fault: Fault };

/** Converts the raw records of a file to JSON values. It tells of each column once that its binary values are left out. */
export class RecordConverter {
  readonly #binary = new Set<string>();

  /** Converts a record. Bytes become text if they are valid UTF-8, because old writers do not mark text columns. */
  convert(record: Record<string, unknown>): PlainRecord {
    const conversion = new Conversion();
    const plain: Record<string, unknown> = {};
    const binary: string[] = [];
    for (const [column, value] of Object.entries(record)) {
      conversion.isBinary = false;
      const converted = conversion.convert(value);
      if (converted !== undefined) Object.defineProperty(plain, column, { ...property, value: converted });
      if (conversion.isBinary && !this.#binary.has(column)) binary.push(column);
    }
    if (conversion.fault !== undefined) return { fault: conversion.fault };
    for (const column of binary) this.#binary.add(column);
    if (binary.length === 0) return { plain };
    const columns = binary.map((column) => `“${toStorableText(column, maxNameLength)}”`).join(", ");
    return { plain, leftOut: { code: "left_out", message: `has binary values in ${columns}. They are left out of all rows` } };
  }
}

const property = { enumerable: true, writable: true, configurable: true };

/** Characters of a column's name that are shown. */
const maxNameLength = 100;

class Conversion {
  fault: Fault | undefined;
  isBinary = false;
  #values = 0;
  #length = 0;

  convert(value: unknown): unknown {
    if (++this.#values > maxRecordValues) {
      this.fault ??= { code: "invalid_record", message: `has more than ${maxRecordValues.toLocaleString("en")} values` };
      return undefined;
    }
    if (typeof value === "string") return this.#text(value);
    if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? String(value) : value.toISOString();
    if (value instanceof Uint8Array) return this.#bytes(value);
    if (Array.isArray(value)) return value.slice(0, maxRecordValues + 1).map((each) => this.convert(each));
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value).map(([key, each]) => [key, this.convert(each)] as const);
    return Object.fromEntries(entries.filter(([, each]) => each !== undefined));
  }

  #bytes(bytes: Uint8Array): string | undefined {
    const text = bytes.length > maxRecordLength ? undefined : decodeUtf8(bytes);
    // oxlint-disable-next-line no-control-regex -- no text has this character
    if (text === undefined || /\u0000/.test(text)) this.isBinary = true;
    return this.isBinary ? undefined : this.#text(text);
  }

  #text(text: string | undefined): string | undefined {
    if (text === undefined) return undefined;
    this.#length += text.length;
    if (this.#length > maxRecordLength) this.fault ??= { code: "too_long", message: tooLongMessage };
    else if (text === broken || !text.isWellFormed())
      this.fault ??= { code: "invalid_encoding", message: "is not valid UTF-8" };
    return text;
  }
}
