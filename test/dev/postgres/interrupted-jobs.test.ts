import { inject, expect, test } from "vitest";
import { makeInterruptedJobsDue } from "../../../dev/postgres/interrupted-jobs.ts";
import { openTestDatabase } from "../../support/api.ts";

test("jobs that were sent, run or wait for a retry become due, and jobs that wait for others of their user do not", async () => {
  const database = await openTestDatabase(inject("seededFolder"));
  try {
    await database.sql(`insert into outbox (name, payload, request_id, due_at, lease, attempts) values
      ('sent', '{}', 'r', now() + interval '5 minutes', null, 0), ('running', '{}', 'r', now() + interval '30 seconds', 't', 1),
      ('retried', '{}', 'r', now() + interval '15 minutes', null, 1), ('waiting', '{}', 'r', null, null, 0)`);
    expect(await makeInterruptedJobsDue(database.url)).toBe(3);
    const due = await database.sql("select name from outbox where due_at < now() order by id");
    expect(due).toEqual([{ name: "sent" }, { name: "running" }, { name: "retried" }]);
  } finally {
    await database.close();
  }
});
