import { type AppError, invalid, TellableError } from "../../kit/errors.ts";
import type { Format, RowKind } from "../constants.ts";

/** Where the bytes of a file are: in R2, or in memory. */
export type ByteSource = {
  size: number;
  /** All of it, from its start: can be asked for again. */
  stream(): Promise<ReadableStream<Uint8Array>>;
  /** The bytes from `start` up to `end`. */
  read(start: number, end: number): Promise<ArrayBuffer>;
};

/** Bytes that are read here and there. */
export type RandomAccess = Pick<ByteSource, "size" | "read"> & {
  /** Fetches at once what is going to be read in pieces: for a source of which each piece is a request. */
  hold?(start: number, end: number): Promise<void>;
};

export type ParsedRow = {
  kind: RowKind;
  /** What is embedded and trained on. */
  text: string;
  /** The mapped columns under their names here, and the others under `metadata`; of a row of unknown columns, all. */
  fields: Record<string, unknown> | null;
  /** What a citation names: `handbook.md`, `faq.csv#12`, `report.pdf#p3`. */
  source: string;
  /** Where `text` starts in the text that was extracted of the document, in UTF-16 units; 0 for records. */
  start: number;
};

/** What was wrong with a row (or line, or page), counted from 1. */
export type RowProblem = { position: number; code: RowProblemCode; message: string };

export const rowProblemCodes = [
  "invalid_encoding",
  "invalid_record",
  "too_long",
  "ragged",
  "quote_not_closed",
  "no_text",
  "cut_short",
] as const;
export type RowProblemCode = (typeof rowProblemCodes)[number];

export type Parsed = { row: ParsedRow } | { problem: RowProblem };

export type FileToParse = { format: Format; name: string };

export function problem(position: number, code: RowProblemCode, message: string): Parsed {
  return { problem: { position, code, message } };
}

/** A file that cannot be read as a whole. The message says why, to whom it belongs. */
export class UnreadableFile extends TellableError {
  override readonly name = "UnreadableFile";

  get failure(): AppError {
    return invalid([{ path: "file", in: "body", message: this.message }]);
  }
}

/** Bytes in memory, as a source. */
export function memorySource(bytes: Uint8Array): ByteSource {
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    size: view.length,
    stream: async () =>
      new ReadableStream({
        start(controller) {
          controller.enqueue(view);
          controller.close();
        },
      }),
    read: async (start, end) => view.slice(start, end).buffer,
  };
}
