/**
 * Runs the variants in turn, in reverse order every other round, so that other load on the machine affects all of them.
 *
 * @returns one sample of each variant for every round
 */
export async function interleave<Name extends string, Sample>(
  rounds: number,
  variants: Record<Name, () => Promise<Sample>>,
): Promise<Record<Name, Sample>[]> {
  const order = Object.keys(variants) as Name[];
  const results: Record<Name, Sample>[] = [];
  for (let round = 0; round < rounds; round++) {
    const samples: Partial<Record<Name, Sample>> = {};
    for (const name of order) samples[name] = await variants[name]();
    results.push(samples as Record<Name, Sample>);
    order.reverse();
  }
  return results;
}
