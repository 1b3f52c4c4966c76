import type { WorkMeter } from "../../kit/async/work-meter.ts";
import { validationError, PublicError, type AppError } from "../../kit/errors.ts";
import type { RowKind } from "../constants.ts";

/** The bytes of a file in R2 or in memory. */
export type ByteSource = {
  size: number;
  /** A stream of the whole file. Each call starts again. */
  stream(): Promise<ReadableStream<Uint8Array>>;
  /** The bytes from `start` up to `end`. */
  read(start: number, end: number): Promise<ArrayBuffer>;
};

/** Bytes with random access. */
export type RandomAccess = Pick<ByteSource, "size" | "read"> & {
  /** Prefetches a range, for a source that makes one request per read. */
  hold?(start: number, end: number): Promise<void>;
};

export type ParsedRow = {
  kind: RowKind;
  /** The text for embedding and training. */
  text: string;
  /** The mapped columns under our names, and the others under `metadata`. For unknown columns: all columns. */
  fields: Record<string, unknown> | null;
  /** The source in citations: `handbook.md`, `faq.csv#12`, `report.pdf#p3`. */
  source: string;
  /** Start of `text` in the extracted text of the document, in UTF-16 code units; 0 for records. */
  start: number;
};

/** A problem with a row, line or page. Positions start at 1. */
export type RowProblem = { position: number; code: RowProblemCode; message: string };

/** The codes of problems. `left_out` is a part of a row that was read without it. */
export const rowProblemCodes = [
  "invalid_encoding",
  "invalid_record",
  "too_long",
  "ragged",
  "quote_not_closed",
  "no_text",
  "cut_short",
  "left_out",
] as const;
export type RowProblemCode = (typeof rowProblemCodes)[number];

export type Parsed = { row: ParsedRow } | { problem: RowProblem };

/** The start of a file: its first bytes, and the first 16 of them in hexadecimal. */
export type FileStart = { source: ByteSource; head: Uint8Array; hex: string };

/**
 * How certain a format is: by content alone (`certain`), by extension (`named`), by heuristics (`likely`), or
 * because any text matches (`fallback`).
 */
export const certainty = { impossible: 0, fallback: 1, likely: 2, named: 3, certain: 4 } as const;
export type Certainty = (typeof certainty)[keyof typeof certainty];

/** A format of dataset files. `registry.ts` lists all of them. */
export type FileFormat<Name extends string = string> = {
  name: Name;
  /** The display name. */
  label: string;
  /** True if the parser needs random access. The file is then loaded into memory, because each R2 read is a request. */
  inMemory?: true;
  /** Whether the bytes have this format. @throws UnreadableFileError for a damaged file */
  matchesBytes?(start: FileStart): boolean | Promise<boolean>;
  /**
   * How certain this format is, by the start of the text (without leading white space) and the extension of the file name in
   * lower case. The most certain format wins; of equal ones, the first in the registry.
   */
  matchesText?(text: string, extension: string): Certainty;
  /** Parses rows and problems. It spends its work piece by piece, so that other requests are answered. @throws UnreadableFileError */
  parse(source: ByteSource, name: string, work: WorkMeter): AsyncGenerator<Parsed>;
};

export function problem(position: number, code: RowProblemCode, message: string): Parsed {
  return { problem: { position, code, message } };
}

/** A file that cannot be parsed. The message tells the owner why. */
export class UnreadableFileError extends PublicError {
  override readonly name = "UnreadableFileError";

  get failure(): AppError {
    return validationError([{ path: "file", in: "body", message: this.message }]);
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
