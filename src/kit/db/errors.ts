import { NeonDbError } from "@neondatabase/serverless";
import { AppError, constraintError, constraintErrorFor, PublicError, type ConstraintErrors } from "../errors.ts";

/** SQLSTATE classes of an unavailable or overloaded server: connection, resources, operator intervention, system error. */
const outOfService = /^(08|53|57|58)/;
const undefinedTable = "42P01";

/**
 * SQLSTATE classes of statements that fail whenever they are repeated: cardinality, data and constraint violations, limits of Postgres,
 * and exceptions that a function raises.
 */
const permanent = /^(21|22|23|44|54|P0)/;

/** The Postgres errors among an error and its causes. A query wraps its error, a batch does not. */
function* postgresErrors(error: unknown): Generator<NeonDbError> {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (cause instanceof NeonDbError) yield cause;
}

/** The violated constraint, or the code passed to `refuse`; undefined for any other error. */
export function constraintOf(error: unknown): string | undefined {
  for (const { constraint } of postgresErrors(error)) if (constraint) return constraint;
  return undefined;
}

/**
 * Why a write fails whenever it is repeated: the SQLSTATE and the constraint, or the name of an error that happens before Postgres is
 * called; undefined for a failure that may pass. It holds no data.
 */
export function permanentFailure(error: unknown): string | undefined {
  for (const { code, constraint } of postgresErrors(error)) {
    if (code === undefined || !permanent.test(code)) return undefined;
    return constraint ? `${code} ${constraint}` : code;
  }
  return error instanceof RangeError || error instanceof TypeError ? error.name : undefined;
}

/** The client error of a failed query: the error of its constraint, or database_unavailable; undefined for a bug. */
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

/** The client error of any error; undefined for a bug. */
export function toAppError(error: unknown, constraintErrors: ConstraintErrors): AppError | undefined {
  if (error instanceof AppError) return error;
  return error instanceof PublicError ? error.failure : databaseFailure(error, constraintErrors);
}
