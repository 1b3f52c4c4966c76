import { WorkMeter } from "../../src/kit/async/work-meter.ts";
import { cleanRows } from "../../src/datasets/cleaning/clean-rows.ts";
import { RowFilter } from "../../src/datasets/cleaning/row-filter.ts";
import { detectFormat } from "../../src/datasets/formats/detect-format.ts";
import { memorySource } from "../../src/datasets/formats/types.ts";
import { PublicError, AppError } from "../../src/kit/errors.ts";
import { median } from "../support/stats.ts";
import { hostileFiles, ordinaryFiles, type BenchFile } from "./files.ts";
import { measureTurns, type Turns } from "./turns.ts";

/** The CPU time that a turn of a reader may take, in ms. */
const longestTurnMs = 10;

/** Measures how long reading a file keeps other requests waiting: the longest turn, with ordinary and hostile files. */
export async function benchDatasets(rounds: number): Promise<void> {
  const repeats = Math.min(rounds, 3);
  console.log(`Reading each file ${repeats} times …`);
  console.log("file                                 MB   longest turn ms      all ms     turns    rows  end");
  const longer: string[] = [];
  for (const [title, files] of [
    ["ordinary", ordinaryFiles],
    ["hostile", hostileFiles],
  ] as const) {
    console.log(title);
    for (const file of files) {
      const longest = await benchFile(file, repeats);
      if (longest > longestTurnMs) longer.push(file.name);
    }
  }
  console.log(
    longer.length === 0 ? `No turn took more than ${longestTurnMs} ms.` : `More than ${longestTurnMs} ms: ${longer.join(", ")}`,
  );
}

async function benchFile({ name, bytes }: BenchFile, repeats: number): Promise<number> {
  const content = bytes();
  const samples: Turns[] = [];
  let end = { rows: 0, reason: "read" };
  // The first time loads and compiles the parser.
  for (let repeat = 0; repeat <= repeats; repeat++) {
    const used = await measureTurns(async () => {
      end = await readAll(content, name);
    });
    if (repeat > 0) samples.push(used);
  }
  const of = (value: (turns: Turns) => number) => median(samples.map(value));
  // What is in every run is the reader. The garbage collector is in some.
  const longest = Math.min(...samples.map(({ longestMs }) => longestMs));
  const columns = [
    name.padEnd(32),
    (content.length / 2 ** 20).toFixed(1).padStart(6),
    longest.toFixed(1).padStart(17),
    of(({ totalMs }) => totalMs)
      .toFixed(0)
      .padStart(11),
    of(({ turns }) => turns)
      .toFixed(0)
      .padStart(9),
    String(end.rows).padStart(7),
    ` ${end.reason.slice(0, 70)}`,
  ];
  console.log(columns.join(" "));
  return longest;
}

/** Reads a file as an import does, without storing its rows. */
async function readAll(content: Uint8Array, name: string): Promise<{ rows: number; reason: string }> {
  const source = memorySource(content);
  // A timer would wait for a millisecond.
  const work = new WorkMeter(() => new Promise((resolve) => setImmediate(resolve)));
  let rows = 0;
  try {
    const format = await detectFormat(source, name, work);
    for await (const each of cleanRows(source, { format, name }, new RowFilter(work), work)) if ("line" in each) rows++;
    return { rows, reason: "read" };
  } catch (error) {
    if (!(error instanceof PublicError || error instanceof AppError)) throw error;
    return { rows, reason: error.message };
  }
}
