import type { Sample } from "./load.ts";
import { median } from "./stats.ts";

/** What our Worker and the bare one measured, round by round. */
export type Duel = Record<"ours" | "bare", Sample>[];

const columns: { title: string; of: (sample: Sample) => number; digits: number }[] = [
  { title: "replies/s", of: (sample) => sample.requestsPerSecond, digits: 0 },
  { title: "p50 ms", of: (sample) => sample.p50Ms, digits: 2 },
  { title: "p99 ms", of: (sample) => sample.p99Ms, digits: 2 },
  { title: "cpu µs/reply", of: (sample) => sample.cpuMs * 1000, digits: 1 },
  { title: "cores used", of: (sample) => (sample.cpuMs * sample.requestsPerSecond) / 1000, digits: 2 },
];

/** Prints the medians of what was measured. */
export function printTable(duels: Record<string, Duel>): void {
  const row = (cells: string[]) =>
    console.log(cells.map((cell, index) => (index < 2 ? cell.padEnd(15) : cell.padStart(13))).join(""));
  row(["", "", ...columns.map(({ title }) => title)]);
  for (const [name, rounds] of Object.entries(duels)) {
    for (const side of ["ours", "bare"] as const) {
      const cells = columns.map(({ of, digits }) => {
        const value = median(rounds.map((round) => of(round[side])));
        return Number.isNaN(value) ? "–" : value.toFixed(digits);
      });
      row([name, side, ...cells]);
    }
  }
}

/** Prints, one a line, the median over the rounds of a ratio of ours to the bare Worker's. */
export function printRatios(duels: Record<string, Duel>): void {
  for (const [name, rounds] of Object.entries(duels)) {
    const ratio = (of: (round: Duel[number]) => number) => median(rounds.map(of)).toFixed(2);
    console.log(`${name} throughput ratio ${ratio(({ ours, bare }) => ours.requestsPerSecond / bare.requestsPerSecond)}`);
    console.log(`${name} p99 ratio ${ratio(({ ours, bare }) => ours.p99Ms / bare.p99Ms)}`);
    const cpu = ratio(({ ours, bare }) => bare.cpuMs / ours.cpuMs);
    if (cpu !== "NaN") console.log(`${name} cpu-per-request ratio ${cpu}`);
  }
}
