import { detectFormat } from "../../../src/datasets/formats/detect-format.ts";
import { memorySource, UnreadableFileError } from "../../../src/datasets/formats/types.ts";
import { parseRows } from "../../../src/datasets/formats/parse-file.ts";
import { RowFilter, type FilteredRow } from "../../../src/datasets/cleaning/row-filter.ts";

/** What is made of a file: its rows as they are refined, and how many problems it has. */
export type Made = { format: string; rows: FilteredRow[]; problems: number };

export async function make(bytes: Uint8Array, name: string): Promise<Made> {
  const source = memorySource(bytes);
  const format = await detectFormat(source, name);
  const refiner = new RowFilter();
  const rows: FilteredRow[] = [];
  let problems = 0;
  for await (const parsed of parseRows(source, { format, name })) {
    if ("row" in parsed) rows.push(await refiner.evaluate(parsed.row));
    else problems++;
  }
  return { format, rows, problems };
}

/** A Worker that parses the file in the request, with the path as its name. Returns the rows, or the reason of a refusal. */
export default {
  async fetch(request: Request): Promise<Response> {
    const name = new URL(request.url).pathname.slice(1);
    try {
      return Response.json(await make(new Uint8Array(await request.arrayBuffer()), name));
    } catch (error) {
      if (error instanceof UnreadableFileError) return new Response(error.message, { status: error.failure.status });
      throw error;
    }
  },
};
