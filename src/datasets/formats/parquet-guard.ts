import type { AsyncBuffer, ColumnMetaData, FileMetaData, RowGroup } from "hyparquet";
import { type ByteSource, UnreadableFile } from "./source.ts";

export type { FileMetaData };

/** A Parquet file that is open: `check` refuses a row group that would need too much memory, before any of it is inflated. */
export type Parquet = { file: AsyncBuffer; metadata: FileMetaData; check(group: RowGroup): Promise<void> };

const maxMetadataSize = 4 * 2 ** 20;

/** What a row group, which is read at once, may have inflated. */
const maxGroupSize = 32 * 2 ** 20;
const maxGroupValues = 4_000_000;

/** @throws UnreadableFile for one that is cut off, or is more than can be read */
export async function openParquet(source: ByteSource): Promise<Parquet> {
  const { parquetMetadataAsync } = await import("hyparquet");
  const footer = new DataView(await source.read(Math.max(0, source.size - 8), source.size));
  if (footer.byteLength < 8 || footer.getUint32(4, true) !== 0x31524150)
    throw new UnreadableFile("is a Parquet file that is cut off: its end is missing.");
  if (footer.getUint32(0, true) > maxMetadataSize)
    throw new UnreadableFile("is a Parquet file that describes itself at too great length.");
  const file = { byteLength: source.size, slice: (start: number, end = source.size) => source.read(start, end) };
  try {
    const metadata = await parquetMetadataAsync(file);
    return { file, metadata, check: (group) => checkGroup(source, group) };
  } catch (cause) {
    throw new UnreadableFile("is a Parquet file whose description of itself is damaged.", { cause });
  }
}

/** Counts what the pages of a row group say they hold: it is what would be allocated for them, whatever its description says. */
async function checkGroup(source: ByteSource, group: RowGroup): Promise<void> {
  const total = { size: 0, values: Number(group.num_rows) * group.columns.length };
  for (const { meta_data: column, file_path: path } of group.columns) {
    if (column === undefined || path !== undefined) throw new UnreadableFile("is a Parquet file whose data are elsewhere.");
    if (!["UNCOMPRESSED", "SNAPPY", "GZIP", "ZSTD"].includes(column.codec)) {
      throw new UnreadableFile(`is a Parquet file compressed with ${column.codec}: write it with Snappy, gzip or zstd.`);
    }
    for (const page of await pagesOf(source, column)) {
      total.size += page.size;
      total.values += page.values;
      refuseTooMuch(total);
    }
  }
  refuseTooMuch(total);
}

function refuseTooMuch({ size, values }: { size: number; values: number }): void {
  if (size <= maxGroupSize && values <= maxGroupValues) return;
  const limits = `${maxGroupSize / 2 ** 20} MB, or ${maxGroupValues.toLocaleString("en")} values`;
  throw new UnreadableFile(`is a Parquet file with a row group of more than ${limits}: write it with smaller row groups.`);
}

async function pagesOf(source: ByteSource, column: ColumnMetaData): Promise<{ size: number; values: number }[]> {
  const { parquetHeader } = await import("hyparquet/src/column.js");
  const start = Number(column.dictionary_page_offset || column.data_page_offset);
  const end = start + Number(column.total_compressed_size);
  const damaged = (cause?: unknown) => new UnreadableFile("is a Parquet file with a column that is damaged.", { cause });
  if (start < 0 || end < start || end > source.size || end - start > maxGroupSize) throw damaged();
  const reader = { view: new DataView(await source.read(start, end)), offset: 0 };
  const pages: { size: number; values: number }[] = [];
  try {
    while (reader.offset < reader.view.byteLength - 1) {
      const header = parquetHeader(reader);
      const values = (header.data_page_header ?? header.data_page_header_v2 ?? header.dictionary_page_header)?.num_values ?? 0;
      const page = { size: header.uncompressed_page_size, values };
      if (!(page.size >= 0 && page.values >= 0 && header.compressed_page_size >= 0)) throw damaged();
      pages.push(page);
      reader.offset += header.compressed_page_size;
    }
  } catch (cause) {
    throw cause instanceof UnreadableFile ? cause : damaged(cause);
  }
  return pages;
}
