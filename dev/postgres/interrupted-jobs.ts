import { connect } from "./connect.ts";

/**
 * Makes every unfinished job due, so that the next sweep sends it again. The queue of development is in memory, so messages and leases end
 * with the process. Only for a database that no other process uses.
 * @returns the number of jobs
 */
export async function makeInterruptedJobsDue(databaseUrl: string): Promise<number> {
  const client = await connect(databaseUrl);
  try {
    const { rowCount } = await client.query("update outbox set due_at = now() where due_at is not null");
    return rowCount ?? 0;
  } finally {
    await client.end();
  }
}
