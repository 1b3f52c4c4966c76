/** What a task used: the CPU time of its longest turn of the event loop and of all turns, in ms, and the number of turns. */
export type Turns = { longestMs: number; totalMs: number; turns: number };

/**
 * Runs a task and measures the turns of the event loop meanwhile, which is how long another request would wait. It measures the CPU time of this
 * thread, so that other programs do not count. The garbage collector counts.
 */
export async function measureTurns(task: () => Promise<unknown>): Promise<Turns> {
  const used = { longestMs: 0, totalMs: 0, turns: 0 };
  let isRunning = true;
  let begun = process.threadCpuUsage();
  const endTurn = () => {
    const { user, system } = process.threadCpuUsage(begun);
    begun = process.threadCpuUsage();
    const ms = (user + system) / 1000;
    used.longestMs = Math.max(used.longestMs, ms);
    used.totalMs += ms;
    used.turns += 1;
    if (isRunning) setImmediate(endTurn);
  };
  setImmediate(endTurn);
  await task();
  isRunning = false;
  endTurn();
  return used;
}
