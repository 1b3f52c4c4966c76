import { validationError, PublicError, type AppError } from "../../kit/errors.ts";
import type { RowKind } from "../constants.ts";

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

/** The start of a file: its first bytes, and the first 16 of them in hexadecimal. */
export type FileStart = { source: ByteSource; head: Uint8Array; hex: string };

/**
 * How surely a text is of a format: by its content alone (`certain`), by its extension (`named`), by the look of its content (`likely`), or
 * because any text can be (`fallback`).
 */
export const certainty = { impossible: 0, fallback: 1, likely: 2, named: 3, certain: 4 } as const;
export type Certainty = (typeof certainty)[keyof typeof certainty];

/** A format of dataset files. `registry.ts` lists all of them. */
export type FileFormat<Name extends string = string> = {
  name: Name;
  /** Its name in sentences. */
  label: string;
  /** True where a parser reads here and there, which R2 makes a request of each time: such a file is held in memory. */
  inMemory?: true;
  /** Whether a file is of this format, by its bytes. @throws UnreadableFile for one that is damaged */
  matchesBytes?(start: FileStart): boolean | Promise<boolean>;
  /**
   * How surely a file is of this format, by the text that it starts with (without white space before it) and the extension of its name in
   * lower case. The surest format is taken; of those that are equally sure, the first in the registry.
   */
  matchesText?(text: string, extension: string): Certainty;
  /** Its rows, and what was wrong between them. @throws UnreadableFile */
  parse(source: ByteSource, name: string): AsyncGenerator<Parsed>;
};

export function problem(position: number, code: RowProblemCode, message: string): Parsed {
  return { problem: { position, code, message } };
}

/** A file that cannot be read as a whole. The message says why, to whom it belongs. */
export class UnreadableFileError extends PublicError {
  override readonly name = "UnreadableFile";

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
