import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../dev/user-error.ts";
import { exec } from "../dev/exec.ts";
import { median } from "./stats.ts";

/** Part of a V8 CPU profile: which node was met at each sample, and the µs since the sample before. */
interface Profile {
  nodes: { id: number; callFrame: { functionName: string } }[];
  samples: number[];
  timeDeltas: number[];
}

/**
 * CPU time, in ms, of compiling and evaluating a bundle's modules in workerd: the median of several profiles.
 *
 * @param uploadPath the bundle as it would be uploaded
 * @param folder where the profiles are written
 */
export async function startupCpuMs(uploadPath: string, folder: string, runs = 5): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < runs; index++) {
    const path = join(folder, `startup-${index}.cpuprofile`);
    const { ok, output } = await exec("wrangler", ["check", "startup", "--worker-bundle", uploadPath, "--outfile", path]);
    if (!ok) throw new UserError(`The start-up cannot be profiled:\n${output}`);
    times.push(activeMs(JSON.parse(await readFile(path, "utf8"))));
  }
  return median(times);
}

function activeMs({ nodes, samples, timeDeltas }: Profile): number {
  const idle = nodes.find(({ callFrame }) => callFrame.functionName === "(idle)")?.id;
  return timeDeltas.reduce((total, delta, index) => (samples[index] === idle ? total : total + delta), 0) / 1000;
}
