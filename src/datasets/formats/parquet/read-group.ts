import type { DecodedArray, RowGroup, SchemaTree } from "hyparquet";
import { assembleNested } from "hyparquet/src/assemble.js";
import { parquetHeader, readPage } from "hyparquet/src/column.js";
import { convert } from "hyparquet/src/convert.js";
import { getTreePath, isFlatColumn } from "hyparquet/src/schema.js";
import type { WorkMeter } from "../../../kit/async/work-meter.ts";
import { isEncrypted, startOf, unitsPerColumn, type Parquet } from "./bomb-guard.ts";
import { valueDecoderOf, valueParsers } from "./value-parsers.ts";

/** The work of decoding a value and a byte of a page, and of putting a value in its record. */
const unitsPerValue = 30;
const unitsPerByte = 1;
const unitsPerCell = 10;

/** A column of a row group, by rows. */
type Column = { name: string; values: DecodedArray };

/**
 * The records of a row group that was checked, from a row on. The library decodes a page at once; between two pages, columns or
 * records the work is spent.
 */
export async function* recordsOf(
  parquet: Parquet,
  group: RowGroup,
  from: number,
  work: WorkMeter,
): AsyncGenerator<Record<string, unknown>> {
  const columns: Column[] = [];
  for (const child of parquet.schema.children) {
    const values = await valuesOf(parquet, group, child, work);
    if (values !== undefined) columns.push({ name: child.element.name, values });
  }
  for (let row = from; row < Number(group.num_rows); row++) {
    await work.spend(columns.length * unitsPerCell);
    yield Object.fromEntries(columns.map(({ name, values }) => [name, values[row]]));
  }
}

/** The values of a column of the table, which nested columns make up. */
async function valuesOf(
  parquet: Parquet,
  group: RowGroup,
  child: SchemaTree,
  work: WorkMeter,
): Promise<DecodedArray | undefined> {
  const parts = new Map<string, DecodedArray>();
  for (const chunk of group.columns) {
    const column = chunk.meta_data;
    if (column?.path_in_schema[0] !== child.element.name) continue;
    if (isEncrypted(chunk)) return undefined;
    const bytes = await parquet.file.slice(startOf(column), startOf(column) + Number(column.total_compressed_size));
    await work.spend(unitsPerColumn);
    const schemaPath = getTreePath(parquet.schema, column.path_in_schema);
    const decoder = {
      pathInSchema: column.path_in_schema,
      schemaPath,
      compressors: parquet.compressors,
      utf8: false,
      ...column,
      ...valueDecoderOf(schemaPath.at(-1)!.element),
    };
    const values = await decodeColumn(new DataView(bytes), Number(group.num_rows), decoder, work);
    if (child.children.length === 0) return values;
    parts.set(column.path_in_schema.join("."), values);
    await work.spend(values.length * unitsPerValue);
  }
  if (parts.size === 0) return undefined;
  assembleNested(parts, child, valueParsers);
  return parts.get(child.element.name);
}

type Decoder = Parameters<typeof readPage>[2];

/** Decodes the pages of a column one by one, up to the rows of its group. */
async function decodeColumn(view: DataView, rows: number, decoder: Decoder, work: WorkMeter): Promise<DecodedArray> {
  const reader = { view, offset: 0 };
  const wanted = isFlatColumn(decoder.schemaPath) ? rows : Infinity;
  const pages: DecodedArray[] = [];
  let dictionary: DecodedArray | undefined;
  let last: DecodedArray | undefined;
  let rowCount = 0;
  while (reader.offset < view.byteLength - 1 && rowCount < wanted) {
    const header = parquetHeader(reader);
    const before = last?.length ?? 0;
    const { data } = readPage(reader, header, decoder, dictionary, last, 0);
    if (data === undefined) continue;
    // Nested values continue those of the previous page.
    const added = data === last ? data.length - before : data.length;
    await work.spend(header.uncompressed_page_size * unitsPerByte + added * unitsPerValue);
    if (header.type === "DICTIONARY_PAGE") dictionary = convert(data, decoder);
    else if (added > 0) {
      if (data !== last) pages.push(data);
      rowCount += added;
      last = data;
    }
  }
  return pages.length === 1 ? pages[0]! : joined(pages, work);
}

async function joined(pages: readonly DecodedArray[], work: WorkMeter): Promise<DecodedArray> {
  const values: unknown[] = [];
  for (const page of pages) {
    for (const value of page) values.push(value);
    await work.spend(page.length);
  }
  return values;
}
