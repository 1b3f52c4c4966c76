import { readdirSync, readFileSync } from "node:fs";

/** Linux counts CPU time in hundredths of a second, whatever the kernel's own tick. */
const tickMs = 10;

/** CPU time, in ms, that the running workerd children of this process have used so far. NaN without `/proc`. */
export function workerdCpuMs(): number {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .reduce((total, pid) => total + cpuMsOf(pid), 0);
  } catch {
    return NaN;
  }
}

/** 0 for a process that is none of ours, or has just ended. */
function cpuMsOf(pid: string): number {
  try {
    // proc(5): the name, in parentheses, is the second field; then come state, parent, …, and as 14 and 15 the ticks.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [, parent, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const isOurs = stat.includes("(workerd)") && Number(parent) === process.pid;
    return isOurs ? (Number(rest[9]) + Number(rest[10])) * tickMs : 0;
  } catch {
    return 0;
  }
}
