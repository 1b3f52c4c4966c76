import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { eventTable, events, fieldTable } from "../../../dev/docs/log-tables.ts";

test("the table of events has every event of the source, and no other", () => {
  const sources = globSync("src/**/*.ts").map((path) => readFileSync(path, "utf8"));
  const written = new Set(sources.flatMap((source) => Array.from(source.matchAll(/\bevent: "(\w+)"/g), ([, name]) => name!)));
  expect([...written].toSorted()).toEqual(Object.keys(events).toSorted());
  expect(eventTable()).toContain("| `outbox_write` |");
});

test("the table of fields numbers the columns of Analytics Engine that the queries use", () => {
  const table = fieldTable();
  for (const [field, column] of [
    ["event", "blob1"],
    ["route", "blob4"],
    ["failed_provider", "blob10"],
    ["status", "double1"],
    ["cost_micro_usd", "double12"],
    ["failed_attempts", "double13"],
  ])
    expect(table).toMatch(new RegExp(`\`${field}\` +\\| \`${column}\` `));
});
