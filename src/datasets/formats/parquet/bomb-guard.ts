import type { AsyncBuffer, ColumnMetaData, FileMetaData, RowGroup, SchemaTree } from "hyparquet";
import { waitingEvents, type WorkMeter } from "../../../kit/async/work-meter.ts";
import { assertColumns, assertDepth } from "../limits.ts";
import { openCompressors, readableCodecs, type Compressors } from "./codecs.ts";
import { type RandomAccess, UnreadableFileError } from "../types.ts";

/** An open Parquet file. `check` rejects a row group that would need too much memory, before it is read. */
export type Parquet = {
  file: AsyncBuffer;
  metadata: FileMetaData;
  schema: SchemaTree;
  compressors: Compressors;
  check(group: RowGroup): Promise<void>;
};

/** Maximum size of the metadata, which is parsed at once. */
const maxMetadataSize = 2 * 2 ** 20;

/** Maximum decompressed size of a row group, which is read as a whole. */
const maxGroupSize = 32 * 2 ** 20;
const maxGroupValues = 4_000_000;

/** Maximum decompressed size and number of values of a page, which the library decodes at once. */
const maxPageSize = 8 * 2 ** 20;
const maxPageValues = 250_000;

/** The work of opening a column, and of decompressing a byte of a page to check it. */
export const unitsPerColumn = 3_000;
const unitsPerByte = 2;

/** @throws UnreadableFileError for a truncated or too large file */
export async function openParquet(source: RandomAccess, work: WorkMeter): Promise<Parquet> {
  const { parquetMetadataAsync, parquetSchema } = await import("hyparquet");
  const footer = new DataView(await source.read(Math.max(0, source.size - 8), source.size));
  if (footer.byteLength < 8 || footer.getUint32(4, true) !== 0x31524150) {
    throw new UnreadableFileError("is a truncated Parquet file: its footer is missing.");
  }
  if (footer.getUint32(0, true) > maxMetadataSize) {
    throw new UnreadableFileError("is a Parquet file whose metadata is too large.");
  }
  const file = { byteLength: source.size, slice: (start: number, end = source.size) => source.read(start, end) };
  const { metadata, schema } = await parquetMetadataAsync(file)
    .then((read) => ({ metadata: read, schema: parquetSchema(read) }))
    .catch((cause: unknown) => {
      throw new UnreadableFileError("is a Parquet file whose metadata is damaged.", { cause });
    });
  await waitingEvents();
  assertColumns(metadata.schema.filter((element) => !element.num_children).length);
  for (const { columns } of metadata.row_groups)
    for (const { meta_data: column } of columns) assertDepth(column?.path_in_schema.length ?? 0);
  const columns = metadata.row_groups.flatMap((group) => group.columns);
  const compressors = await openCompressors(new Set(columns.map((column) => column.meta_data?.codec)));
  const reading = { schema, compressors, work };
  return { file, metadata, schema, compressors, check: (group) => checkGroup(source, reading, group) };
}

type Reading = Pick<Parquet, "schema" | "compressors"> & { work: WorkMeter };

/** Sums the declared sizes of the pages of a row group, which are allocated, and checks that the pages have no more. */
async function checkGroup(source: RandomAccess, reading: Reading, group: RowGroup): Promise<void> {
  const columns = group.columns.filter((column) => !isEncrypted(column)).map(readableColumn);
  const values = Number(group.num_rows) * Math.max(1, columns.length);
  refuseTooMuch({ size: columns.reduce((sum, column) => sum + Number(column.total_uncompressed_size), 0), values });
  if (source.hold !== undefined && columns.length > 0) {
    const start = Math.min(...columns.map(startOf));
    const end = Math.max(...columns.map((column) => startOf(column) + Number(column.total_compressed_size)));
    refuseTooMuch({ size: end - start, values: 0 });
    if (start < 0 || end > source.size) throw new UnreadableFileError("is a Parquet file with a truncated row group.");
    await source.hold(start, end);
  }
  const total = { size: 0, values };
  for (const column of columns) await checkColumn(source, reading, column, total);
}

/** Whether a column is encrypted. Others of the file may not be. */
export const isEncrypted = ({ crypto_metadata: crypto }: RowGroup["columns"][number]): boolean => crypto !== undefined;

function readableColumn({ meta_data: column, file_path: path }: RowGroup["columns"][number]): ColumnMetaData {
  if (column === undefined || path !== undefined)
    throw new UnreadableFileError("is a Parquet file that keeps its data in other files.");
  if (readableCodecs.has(column.codec)) return column;
  throw new UnreadableFileError(`is a Parquet file compressed with ${column.codec}: write it with Snappy, gzip or zstd.`);
}

export const startOf = (column: ColumnMetaData): number => Number(column.dictionary_page_offset || column.data_page_offset);

async function checkColumn(
  source: RandomAccess,
  { schema, compressors, work }: Reading,
  column: ColumnMetaData,
  total: Total,
): Promise<void> {
  const { checkRuns, layoutOf, pagesOf } = await import("./pages.ts");
  const { PageFault } = await import("./check-encoding.ts");
  const bytes = await columnBytes(source, column);
  await work.spend(unitsPerColumn);
  try {
    const layout = layoutOf(schema, column);
    for (const { header, content, size, values } of pagesOf(bytes)) {
      refuseTooMuch(total, size, values);
      if (size > maxPageSize || values > maxPageValues) throw new PageFault(tooLargePage);
      checkRuns(header, content, { ...layout, maxSize: maxPageSize }, compressors);
      await work.spend(size * unitsPerByte);
    }
  } catch (cause) {
    if (cause instanceof UnreadableFileError) throw cause;
    const reason = cause instanceof PageFault ? cause.message : "is damaged";
    throw new UnreadableFileError(`is a Parquet file with a column that ${reason}: ${column.path_in_schema.join(".")}.`, {
      cause,
    });
  }
}

const tooLargePage = `has a page of more than ${maxPageSize / 2 ** 20} MB, or ${maxPageValues.toLocaleString("en")} values: write it with smaller pages`;

type Total = { size: number; values: number };

/** Adds to the totals of a row group. @throws UnreadableFileError above the limits */
function refuseTooMuch(total: Total, size = 0, values = 0): void {
  total.size += size;
  total.values += values;
  if (total.size <= maxGroupSize && total.values <= maxGroupValues) return;
  const limits = `${maxGroupSize / 2 ** 20} MB, or ${maxGroupValues.toLocaleString("en")} values`;
  throw new UnreadableFileError(`is a Parquet file with a row group of more than ${limits}: write it with smaller row groups.`);
}

async function columnBytes(source: RandomAccess, column: ColumnMetaData): Promise<DataView> {
  const start = startOf(column);
  const size = Number(column.total_compressed_size);
  if (start < 0 || size < 0 || start + size > source.size) {
    throw new UnreadableFileError(`is a Parquet file with a truncated column: ${column.path_in_schema.join(".")}.`);
  }
  refuseTooMuch({ size, values: 0 });
  return new DataView(await source.read(start, start + size));
}
