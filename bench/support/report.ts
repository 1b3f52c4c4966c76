import type { Sample } from "./load.ts";
import { median } from "./stats.ts";

/** Samples of the production Worker and of the baseline Worker, one pair per round. */
export type Comparison = Record<"spiritforge" | "baseline", Sample>[];

const columns: { title: string; value: (sample: Sample) => number; digits: number }[] = [
  { title: "requests/s", value: (sample) => sample.requestsPerSecond, digits: 0 },
  { title: "p50 ms", value: (sample) => sample.p50Ms, digits: 2 },
  { title: "p99 ms", value: (sample) => sample.p99Ms, digits: 2 },
  { title: "cpu µs/request", value: (sample) => sample.cpuMs * 1000, digits: 1 },
  { title: "cores used", value: (sample) => (sample.cpuMs * sample.requestsPerSecond) / 1000, digits: 2 },
];

/** Prints the median of each measured value over the rounds. */
export function printTable(comparisons: Record<string, Comparison>): void {
  const printRow = (cells: string[]) =>
    console.log(cells.map((cell, index) => (index < 2 ? cell.padEnd(15) : cell.padStart(16))).join(""));
  printRow(["", "", ...columns.map(({ title }) => title)]);
  for (const [name, rounds] of Object.entries(comparisons)) {
    for (const variant of ["spiritforge", "baseline"] as const) {
      const cells = columns.map(({ value, digits }) => {
        const middle = median(rounds.map((round) => value(round[variant])));
        return Number.isNaN(middle) ? "–" : middle.toFixed(digits);
      });
      printRow([name, variant, ...cells]);
    }
  }
}

/** Prints one line per ratio of the production Worker to the baseline: the median over the rounds. */
export function printRatios(comparisons: Record<string, Comparison>): void {
  for (const [name, rounds] of Object.entries(comparisons)) {
    const ratio = (ofRound: (round: Comparison[number]) => number) => median(rounds.map(ofRound)).toFixed(2);
    const throughput = ratio(({ spiritforge, baseline }) => spiritforge.requestsPerSecond / baseline.requestsPerSecond);
    console.log(`${name} throughput ratio ${throughput}`);
    console.log(`${name} p99 ratio ${ratio(({ spiritforge, baseline }) => spiritforge.p99Ms / baseline.p99Ms)}`);
    const cpu = ratio(({ spiritforge, baseline }) => baseline.cpuMs / spiritforge.cpuMs);
    if (cpu !== "NaN") console.log(`${name} cpu-per-request ratio ${cpu}`);
  }
}
