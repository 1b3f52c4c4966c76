/** An error whose message is a sentence for the user, to be shown without a stack. */
export class UserError extends Error {
  override name = "UserError";
}

/** What went wrong, in words. (A connection refused at each address of a name is an AggregateError, whose message is empty.) */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join("; ");
  return error instanceof Error ? error.message : String(error);
}

/** Runs a command line's work; if it fails, says why on stderr and makes the exit code 1. */
export async function runCommand(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    console.error(error instanceof UserError ? error.message : error);
    process.exitCode = 1;
  }
}
