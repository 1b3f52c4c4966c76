import type { ParquetParsers, SchemaElement } from "hyparquet";
import { DEFAULT_PARSERS } from "hyparquet/src/convert.js";
import { exactNumber, parseExactJson } from "../../../kit/exact-json.ts";
import { maxRecordLength } from "../../constants.ts";
import { excessOf } from "../json-bounds.ts";

/** How the values of a column are decoded: its element as the library gets it, and the parsers of its values. */
export type ValueDecoder = { element: SchemaElement; parsers: ParquetParsers };

/**
 * The decoder of a column. The library makes inexact numbers of decimals and fails at intervals, so it gets those as timestamps, with a parser
 * from this file.
 */
export function valueDecoderOf(element: SchemaElement): ValueDecoder {
  const parser = rawParserOf(element);
  if (parser === undefined) return { element, parsers: valueParsers };
  const { converted_type: _, ...rest } = element;
  const timestamp = { type: "TIMESTAMP", unit: "MILLIS", isAdjustedToUTC: true } as const;
  return {
    element: { ...rest, logical_type: timestamp },
    parsers: { ...valueParsers, timestampFromMilliseconds: parser as ParquetParsers["timestampFromMilliseconds"] },
  };
}

type RawValue = number | bigint | Uint8Array | undefined;

function rawParserOf({ converted_type: converted, logical_type: logical, scale }: SchemaElement) {
  if (converted === "DECIMAL") return (value: RawValue) => decimalOf(value, scale ?? 0);
  if (logical?.type === "DECIMAL") return (value: RawValue) => decimalOf(value, logical.scale);
  if (converted === "INTERVAL") return intervalOf;
  return converted === "BSON" ? (value: RawValue) => value : undefined;
}

/** A decimal: a number if that is exact, otherwise its digits as text. */
function decimalOf(value: RawValue, scale: number): unknown {
  if (value === undefined) return undefined;
  const unscaled = value instanceof Uint8Array ? signedOf(value) : BigInt(value);
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
  const point = digits.length - scale;
  const text = scale > 0 ? `${digits.slice(0, point)}.${digits.slice(point)}` : digits;
  return exactNumber(unscaled < 0n ? `-${text}` : text);
}

/** A signed number of bytes, the highest first. */
function signedOf(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString("hex")}`));
}

/** An interval in ISO 8601: months, days and milliseconds. */
function intervalOf(value: RawValue): unknown {
  if (!(value instanceof Uint8Array) || value.length !== 12) return value;
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  const [months, days, milliseconds] = [0, 4, 8].map((at) => view.getUint32(at, true));
  return `P${months}M${days}DT${milliseconds! / 1_000}S`;
}

/** A time in ISO 8601 with as many digits as its unit has, if they are not 0; a time that no calendar has as a number. */
function timeOf(value: bigint | number | undefined, digits: number): unknown {
  if (value === undefined) return undefined;
  const perMillisecond = 10n ** BigInt(digits - 3);
  const units = BigInt(value);
  const rest = ((units % perMillisecond) + perMillisecond) % perMillisecond;
  const date = new Date(Number((units - rest) / perMillisecond));
  if (Number.isNaN(date.getTime())) return units;
  return rest === 0n ? date.toISOString() : date.toISOString().replace("Z", `${String(rest).padStart(digits - 3, "0")}Z`);
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A lone surrogate, which marks invalid text. */
export const broken = "\uDC80";

/** Decodes UTF-8; undefined if it is invalid. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

const textOf = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : (decodeUtf8(bytes) ?? broken);

/** The value of a JSON column. It stays text if it is not JSON, or above the limits of a record. */
function jsonOf(bytes: Uint8Array | undefined): unknown {
  const text = textOf(bytes);
  if (text === undefined || text.length > maxRecordLength || excessOf(text).excess !== undefined) return text;
  try {
    return parseExactJson(text);
  } catch {
    return text;
  }
}

/** The parsers of all columns. Those of times give text, not dates, which have milliseconds only. */
export const valueParsers: ParquetParsers = {
  ...DEFAULT_PARSERS,
  stringFromBytes: textOf,
  jsonFromBytes: jsonOf,
  timestampFromMilliseconds: asDate(3),
  timestampFromMicroseconds: asDate(6),
  timestampFromNanoseconds: asDate(9),
};

/** A parser of times. The library only passes its results on. */
function asDate(digits: number) {
  return (value: bigint) => timeOf(value, digits) as Date;
}
