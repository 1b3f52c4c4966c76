import type { ColumnMetaData, SchemaTree } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { decompressPage } from "hyparquet/src/datapage.js";
import { getMaxDefinitionLevel, getMaxRepetitionLevel, getTreePath } from "hyparquet/src/schema.js";
import { readVarInt } from "hyparquet/src/thrift.js";
import { checkedEncodings, checkEncoding, PageFault, type Reader, type ValueType } from "./check-encoding.ts";
import type { Compressors } from "./codecs.ts";

/** The layout of a column's pages: its codec, the bit widths of its levels (0 without levels), and the type of its values. */
export type ColumnLayout = {
  codec: ColumnMetaData["codec"];
  repetitionWidth: number;
  definitionWidth: number;
  value: ValueType;
};

/** A page with its declared decompressed size and its declared number of values. */
export type Page = { header: Header; content: Uint8Array; size: number; values: number };

type Header = ReturnType<typeof parquetHeader>;

const runEncodings = new Set(["PLAIN", "PLAIN_DICTIONARY", "RLE_DICTIONARY", "RLE"]);

export function layoutOf(schema: SchemaTree, { codec, type, path_in_schema: path }: ColumnMetaData): ColumnLayout {
  const elements = getTreePath(schema, path);
  const widthOf = (level: number) => 32 - Math.clz32(level);
  return {
    codec,
    repetitionWidth: widthOf(getMaxRepetitionLevel(elements)),
    definitionWidth: widthOf(getMaxDefinitionLevel(elements)),
    value: { type, length: elements.at(-1)!.element.type_length },
  };
}

/** The pages of a column, from their headers. */
export function* pagesOf(column: DataView): Generator<Page> {
  const reader = { view: column, offset: 0 };
  while (reader.offset < column.byteLength - 1) {
    const header = parquetHeader(reader);
    const { uncompressed_page_size: size, compressed_page_size: length } = header;
    const values = (header.data_page_header ?? header.data_page_header_v2 ?? header.dictionary_page_header)?.num_values ?? 0;
    if (!(size >= 0 && values >= 0 && length >= 0)) throw new PageFault("has a page of a negative size");
    yield { header, content: new Uint8Array(column.buffer, column.byteOffset + reader.offset, length), size, values };
    reader.offset += length;
  }
}

/** Rejects a page whose runs have more values than the page, because the decoder would allocate all of them. */
export function checkRuns(
  header: Header,
  bytes: Uint8Array,
  layout: ColumnLayout & { maxSize: number },
  compressors: Compressors,
): void {
  const { data_page_header: first, data_page_header_v2: second } = header;
  const page = first ?? second;
  if (page === undefined) return;
  if (!runEncodings.has(page.encoding) && !checkedEncodings.has(page.encoding))
    throw new PageFault(`is encoded with ${page.encoding}`);
  const inflate = (from: number) => {
    const rest = bytes.subarray(from);
    const isCompressed = second?.is_compressed !== false;
    const inflated = isCompressed
      ? decompressPage(rest, header.uncompressed_page_size - from, layout.codec, compressors)
      : rest;
    return { view: viewOf(inflated), offset: 0 };
  };
  let values: Reader;
  if (second === undefined) {
    values = inflate(0);
    for (const width of [layout.repetitionWidth, layout.definitionWidth])
      if (width > 0) checkSized(values, width, page.num_values);
  } else {
    const { repetition_levels_byte_length: repetitions, definition_levels_byte_length: definitions } = second;
    const levels = viewOf(bytes.subarray(0, repetitions + definitions));
    if (layout.repetitionWidth > 0) checkRange(levels, layout.repetitionWidth, page.num_values);
    if (layout.definitionWidth > 0) checkRange(levels, layout.definitionWidth, page.num_values, repetitions);
    values = inflate(repetitions + definitions);
  }
  if (checkedEncodings.has(page.encoding)) checkEncoding(page.encoding, values, page.num_values, layout.value, layout.maxSize);
  else if (page.encoding === "RLE") checkSized(values, 1, page.num_values);
  else if (page.encoding !== "PLAIN" && values.offset < values.view.byteLength) {
    const width = values.view.getUint8(values.offset++);
    checkRange(values.view, width, page.num_values, values.offset);
  }
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Runs with a length prefix in bytes. */
function checkSized(reader: Reader, width: number, count: number): void {
  const length = reader.view.getUint32(reader.offset, true);
  const start = reader.offset + 4;
  checkRange(reader.view, width, count, start);
  reader.offset = start + length;
}

/** Values that a run may have beyond those of its page. Writers fill the last groups of eight. */
const maxExcess = 512;

/** The RLE/bit-packing hybrid, up to the expected number of values. */
function checkRange(view: DataView, width: number, count: number, offset = 0): void {
  if (width > 32) throw new PageFault("has values of more than 32 bits");
  const reader = { view, offset };
  for (let seen = 0; seen < count && reader.offset < view.byteLength;) {
    const run = readVarInt(reader) >>> 0;
    const isPacked = (run & 1) === 1;
    const values = isPacked ? (run >>> 1) * 8 : run >>> 1;
    if (values > count - seen + maxExcess) throw new PageFault("repeats a value more often than it has values");
    reader.offset += isPacked ? (run >>> 1) * width : (width + 7) >> 3;
    seen += values;
  }
}
