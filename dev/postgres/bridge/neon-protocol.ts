import type { IncomingHttpHeaders } from "node:http";
import { DatabaseError, type QueryArrayResult } from "pg";
import * as z from "zod";
import { reasonOf } from "../../user-error.ts";

const Statement = z.object({
  query: z.string(),
  params: z.array(z.unknown()).default([]),
  arrayMode: z.boolean().optional(),
});
const Batch = z.object({ queries: z.array(Statement) });

export type Statement = z.infer<typeof Statement>;
export type Payload = z.infer<typeof Batch> | Statement;

/** An HTTP reply; the body is sent as JSON. */
export interface Reply {
  status: number;
  body: object;
}

/** A request that never reaches Postgres; `message` is for the caller. */
export class BadRequest extends Error {
  readonly status: number;
  constructor(message: string, status = 400) {
    super(message);
    this.status = status;
  }
}

/** Reads a body: one statement, or `{queries}`, which are one transaction. @throws BadRequest */
export function parsePayload(body: string): Payload {
  try {
    const json: unknown = JSON.parse(body);
    return (json instanceof Object && "queries" in json ? Batch : Statement).parse(json);
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : reasonOf(error);
    throw new BadRequest(`could not parse the HTTP request body: ${reason}`);
  }
}

const ISOLATION_LEVELS = new Map([
  ["ReadUncommitted", "READ UNCOMMITTED"],
  ["ReadCommitted", "READ COMMITTED"],
  ["RepeatableRead", "REPEATABLE READ"],
  ["Serializable", "SERIALIZABLE"],
]);

/** The statement that begins a batch with the options in its headers. @throws BadRequest for an unknown isolation level */
export function beginStatement(headers: IncomingHttpHeaders): string {
  const level = headers["neon-batch-isolation-level"];
  const isolation = ISOLATION_LEVELS.get(String(level));
  if (level !== undefined && isolation === undefined) throw new BadRequest("invalid isolation level");
  return [
    "BEGIN",
    isolation && `ISOLATION LEVEL ${isolation}`,
    headers["neon-batch-read-only"] === "true" && "READ ONLY",
    headers["neon-batch-deferrable"] === "true" && "DEFERRABLE",
  ]
    .filter(Boolean)
    .join(" ");
}

/** What Neon replies for one statement. */
export function statementReply(result: QueryArrayResult, rowAsArray: boolean): object {
  const { fields, rows, command, rowCount } = result;
  const names = fields.map((field) => field.name);
  return {
    fields,
    rows: rowAsArray ? rows : rows.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index]]))),
    command: command ?? "",
    rowCount,
    rowAsArray,
  };
}

/** The reply of Neon to an error: every field of a Postgres error (400), otherwise the message alone. */
export function errorReply(error: unknown): Reply {
  if (error instanceof BadRequest) return { status: error.status, body: { message: error.message } };
  if (!(error instanceof DatabaseError)) return { status: 500, body: { message: reasonOf(error) } };
  const { message, severity, code, detail, hint, position, internalPosition, internalQuery, where } = error;
  const { schema, table, column, dataType, constraint, file, line, routine } = error;
  const fields = { message, severity, code, detail, hint, position, internalPosition, internalQuery, where };
  return { status: 400, body: { ...fields, schema, table, column, dataType, constraint, file, line, routine } };
}
