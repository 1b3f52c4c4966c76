import { NeonDbError } from "@neondatabase/serverless";
import { AppError, constraintError, constraintErrorFor, PublicError, type ConstraintErrors } from "../errors.ts";

/** SQLSTATE classes that mean the server is out or full: connection, resources, operator intervention, system error. */
const outOfService = /^(08|53|57|58)/;
const undefinedTable = "42P01";

/** The failures of Postgres among an error and its causes: a single query wraps its own, a batch throws it bare. */
function* postgresErrors(error: unknown): Generator<NeonDbError> {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (cause instanceof NeonDbError) yield cause;
}

/** The constraint that refused, or the code given to `refuse`; undefined for any other failure. */
export function constraintOf(error: unknown): string | undefined {
  for (const { constraint } of postgresErrors(error)) if (constraint) return constraint;
  return undefined;
}

/** What a failed query means to a client: what its constraint says, or that Postgres is out; undefined for a defect of ours. */
export function databaseFailure(error: unknown, constraintErrors: ConstraintErrors): AppError | undefined {
  for (const { constraint, code } of postgresErrors(error)) {
    const refused = constraint ? constraintErrorFor(constraint, constraintErrors) : undefined;
    if (refused !== undefined) return constraintError(refused, error);
    if (code === undefined || outOfService.test(code)) {
      return new AppError("database_unavailable", "The database does not answer. Try again.", { cause: error });
    }
    if (code === undefinedTable) {
      return new AppError("database_unavailable", "The database is not migrated. Run `npm run db:migrate`.", { cause: error });
    }
  }
  return undefined;
}

/** What a failure of any kind means to a client; undefined for a defect of ours. */
export function toAppError(error: unknown, constraintErrors: ConstraintErrors): AppError | undefined {
  if (error instanceof AppError) return error;
  return error instanceof PublicError ? error.failure : databaseFailure(error, constraintErrors);
}
