import { readdirSync, readFileSync } from "node:fs";

/** Linux counts CPU time in hundredths of a second, independent of the kernel's own tick. */
const tickMs = 10;

/** CPU time in ms used so far by the running workerd children of this process. NaN without `/proc`. */
export function workerdCpuMs(): number {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .reduce((total, pid) => total + childCpuMs(pid), 0);
  } catch {
    return NaN;
  }
}

/** 0 unless the process is a running workerd child of this process. */
function childCpuMs(pid: string): number {
  try {
    // proc(5): the second field is the name in parentheses. Then come state, parent, …, and the ticks as fields 14 and 15.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [, parent, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const isChild = stat.includes("(workerd)") && Number(parent) === process.pid;
    return isChild ? (Number(rest[9]) + Number(rest[10])) * tickMs : 0;
  } catch {
    return 0;
  }
}
