/** What a task used: the CPU time of its longest turn and of all turns, in ms, and the number of turns. */
export type Turns = { longestMs: number; totalMs: number; turns: number };

/**
 * Runs a task and measures its turns, from one pause to the next. It measures the CPU time of this thread, so that other programs do not
 * count. The garbage collector counts. An await in between counts as work, although it may let others run, too.
 */
export async function measureTurns(task: (pause: () => Promise<void>) => Promise<unknown>): Promise<Turns> {
  const used = { longestMs: 0, totalMs: 0, turns: 0 };
  let begun = process.threadCpuUsage();
  const endTurn = () => {
    const { user, system } = process.threadCpuUsage(begun);
    const ms = (user + system) / 1000;
    used.longestMs = Math.max(used.longestMs, ms);
    used.totalMs += ms;
    used.turns += 1;
  };
  await task(async () => {
    endTurn();
    // A timer would wait for a millisecond.
    await new Promise((resolve) => setImmediate(resolve));
    begun = process.threadCpuUsage();
  });
  endTurn();
  return used;
}
