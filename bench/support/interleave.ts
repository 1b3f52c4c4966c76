/**
 * Lets contestants take turns, in the opposite order every other round, so that what else the machine does falls on all.
 *
 * @returns what each measured, round by round
 */
export async function alternate<Name extends string, Sample>(
  rounds: number,
  contestants: Record<Name, () => Promise<Sample>>,
): Promise<Record<Name, Sample>[]> {
  const order = Object.keys(contestants) as Name[];
  const results: Record<Name, Sample>[] = [];
  for (let round = 0; round < rounds; round++) {
    const samples: Partial<Record<Name, Sample>> = {};
    for (const name of order) samples[name] = await contestants[name]();
    results.push(samples as Record<Name, Sample>);
    order.reverse();
  }
  return results;
}
