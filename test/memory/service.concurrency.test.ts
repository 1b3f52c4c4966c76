import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { maxFacts } from "../../src/memory/constants.ts";
import type { MemoryOwner } from "../../src/memory/types.ts";
import { storeFact } from "../../src/memory/service.ts";
import { insertMinion, outcomeOf, tally } from "../minions/support/minions.ts";
import { openConcurrentPostgres, type ConcurrentPostgres } from "../support/concurrent-postgres.ts";
import { createUser } from "../support/users.ts";

/** Facts that are stored at the same time, on a PostgreSQL with many connections. */

const requests = 40;
let postgres: ConcurrentPostgres;
let owner: MemoryOwner;

beforeAll(async () => {
  postgres = await openConcurrentPostgres(requests);
});
afterAll(() => postgres.close());

beforeEach(async () => {
  const { id } = await createUser({ database: postgres });
  owner = { userId: id, minionId: await insertMinion(postgres, id) };
});

const store = (text: string) => storeFact(postgres.ctx, owner, { text, source: "owner", message: null });
const storeAll = (text: (index: number) => string) => Array.from({ length: requests }, (_, index) => store(text(index)));
const count = async () =>
  Number((await postgres.sql("select count(*) from memory_facts where minion_id = $1", [owner.minionId]))[0]!["count"]);

test("one text that is stored many times at once is one fact, and every request gets it", async () => {
  const stored = await Promise.all(storeAll((index) => (index % 2 === 0 ? "I like tea." : "i like TEA")));
  expect(new Set(stored.map(({ fact }) => fact.id)).size).toBe(1);
  expect(stored.filter(({ is_new }) => is_new)).toHaveLength(1);
  expect(await count()).toBe(1);
});

test("requests at once never exceed the limit", async () => {
  await postgres.sql(
    `insert into memory_facts (user_id, minion_id, text, text_hash, source)
     select $1, $2, 'fact ' || n, 'hash ' || n, 'owner' from generate_series(1, $3::int) n`,
    [owner.userId, owner.minionId, maxFacts - 3],
  );
  const outcomes = await Promise.all(storeAll((index) => `New ${index}`).map(outcomeOf));
  expect(tally(outcomes)).toEqual({ done: 3, conflict: requests - 3 });
  expect(await count()).toBe(maxFacts);
});
