import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../dev/user-error.ts";
import { exec } from "../../dev/exec.ts";
import { median } from "../support/stats.ts";

/** Part of a V8 CPU profile: the node of each sample, and the µs since the previous sample. */
interface Profile {
  nodes: { id: number; callFrame: { functionName: string } }[];
  samples: number[];
  timeDeltas: number[];
}

/**
 * CPU time in ms to compile and evaluate a bundle's modules in workerd: the median of several profiles.
 *
 * @param uploadPath the bundle in the format of an upload
 * @param folder the folder for the profiles
 * @throws UserError with the output of wrangler
 */
export async function startupCpuMs(uploadPath: string, folder: string, runs = 5): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < runs; index++) {
    const path = join(folder, `startup-${index}.cpuprofile`);
    const { ok, output } = await exec("wrangler", ["check", "startup", "--worker-bundle", uploadPath, "--outfile", path]);
    if (!ok) throw new UserError(`Profiling the startup failed:\n${output}`);
    times.push(activeMs(JSON.parse(await readFile(path, "utf8"))));
  }
  return median(times);
}

function activeMs({ nodes, samples, timeDeltas }: Profile): number {
  const idle = nodes.find(({ callFrame }) => callFrame.functionName === "(idle)")?.id;
  return timeDeltas.reduce((total, delta, index) => (samples[index] === idle ? total : total + delta), 0) / 1000;
}
