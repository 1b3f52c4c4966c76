import { maxRecordLength, maxRecordValues } from "../../constants.ts";
import { tooLongMessage } from "../limits.ts";
import type { RowProblem } from "../types.ts";
import { broken, decodeUtf8 } from "./read-group.ts";

/** A record as JSON values, or why it cannot be one. */
export type PlainRecord = { plain: Record<string, unknown> } | { fault: Pick<RowProblem, "code" | "message"> };

/** Converts a raw record to JSON values. Bytes become text if they are valid UTF-8, because old writers do not mark text columns. */
export function toPlainRecord(record: Record<string, unknown>): PlainRecord {
  const conversion = new Conversion();
  const plain = conversion.convert(record) as Record<string, unknown>;
  return conversion.fault === undefined ? { plain } : { fault: conversion.fault };
}

class Conversion {
  fault: Pick<RowProblem, "code" | "message"> | undefined;
  #values = 0;
  #length = 0;

  convert(value: unknown): unknown {
    if (++this.#values > maxRecordValues) {
      this.fault ??= { code: "invalid_record", message: `has more than ${maxRecordValues.toLocaleString("en")} values` };
      return undefined;
    }
    if (typeof value === "string") return this.#text(value);
    if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
    if (value instanceof Uint8Array) return value.length > maxRecordLength ? undefined : this.#text(decodeUtf8(value));
    if (Array.isArray(value)) return value.slice(0, maxRecordValues + 1).map((each) => this.convert(each));
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value).map(([key, each]) => [key, this.convert(each)] as const);
    return Object.fromEntries(entries.filter(([, each]) => each !== undefined));
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
