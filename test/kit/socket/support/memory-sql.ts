import { DatabaseSync, type SQLInputValue } from "node:sqlite";

/** A Durable Object's SQL as far as the kit uses it, in memory: it outlives the object that writes to it, as its storage does. */
export function memorySql(): SqlStorage {
  const database = new DatabaseSync(":memory:");
  const exec = (query: string, ...bindings: SQLInputValue[]) => {
    const rows = database.prepare(query).all(...bindings);
    return { toArray: () => rows, one: () => rows[0], [Symbol.iterator]: () => rows[Symbol.iterator]() };
  };
  return { exec } as unknown as SqlStorage;
}
