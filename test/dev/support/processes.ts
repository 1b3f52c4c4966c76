import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";

interface Process {
  pid: number;
  parent: number;
  command: string;
}

/** Every process that descends from `pid`, now. */
export async function descendants(pid: number): Promise<Process[]> {
  const all = await listProcesses();
  const of = (parent: number): Process[] => all.flatMap((p) => (p.parent === parent ? [p, ...of(p.pid)] : []));
  return of(pid);
}

/** Those of the processes that are still there. */
export async function survivors(processes: Process[]): Promise<Process[]> {
  const pids = new Set((await listProcesses()).map(({ pid }) => pid));
  return processes.filter(({ pid }) => pids.has(pid));
}

/** All processes but the dead that nobody has collected yet. */
async function listProcesses(): Promise<Process[]> {
  if (process.platform === "linux") return listFromProc();
  const { stdout } = await promisify(execFile)("ps", ["-A", "-o", "pid=,ppid=,stat=,command="]);
  return stdout.split("\n").flatMap((line) => {
    const [, pid, parent, state, command] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    return state === undefined || state.startsWith("Z")
      ? []
      : [{ pid: Number(pid), parent: Number(parent), command: command! }];
  });
}

/** A small Linux has no `ps`. */
async function listFromProc(): Promise<Process[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const processes = pids.map(async (pid): Promise<Process[]> => {
    try {
      const [stat, commandLine] = await Promise.all(
        ["stat", "cmdline"].map((file) => readFile(`/proc/${pid}/${file}`, "utf8")),
      );
      const [state, parent] = stat!.slice(stat!.lastIndexOf(")") + 2).split(" ");
      return state === "Z" ? [] : [{ pid: Number(pid), parent: Number(parent), command: commandLine!.replaceAll("\0", " ") }];
    } catch {
      return [];
    }
  });
  return (await Promise.all(processes)).flat();
}
