import pLimit from "p-limit";

/**
 * Maps items with at most `concurrency` calls of `work` at once. After a failure it starts no further call, and waits for those that run.
 * @returns the results in the order of the items
 * @throws the failure of the first item that failed
 */
export async function mapLimited<T, R>(concurrency: number, items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const limit = pLimit({ concurrency, rejectOnClear: true });
  const run = async (item: T) => {
    try {
      return await work(item);
    } catch (error) {
      limit.clearQueue();
      throw error;
    }
  };
  // Calls start in order, so items that were never started come after every failure.
  const outcomes = await Promise.allSettled(items.map((item) => limit(run, item)));
  return outcomes.map((outcome) => {
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  });
}
