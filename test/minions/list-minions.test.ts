import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { sortings, type Sorting } from "../../src/minions/schemas.ts";
import { bodyOf, noRoundTrips, useApi } from "../support/api.ts";
import { createUser, type Person } from "../support/users.ts";
import { seededRandom } from "../support/random.ts";
import {
  clientOf,
  databaseTrips,
  faultsIn,
  insertMinion,
  setExperience,
  type Client,
  type WireMinion,
} from "./support/minions.ts";

const api = useApi();
let person: Person;
let me: Client;

beforeEach(async () => {
  person = await createUser(api);
  me = clientOf(api, person);
});

const minions = async (query = "") => {
  const { body } = await me.get(`/minions${query}`);
  return body as { minions: WireMinion[]; total: number; next_cursor?: string };
};
const names = async (query = "") => (await minions(query)).minions.map(({ display_name }) => display_name);
const insert = (columns: object) => insertMinion(api.database, person.id, columns);

/** Gives somebody this many minions, all alike but for their names. */
async function fill({ id }: Person, count: number): Promise<void> {
  await api.database.sql(
    `insert into spirit_minions (user_id, name, display_name, model)
     select $1, 'ada', 'Ada ' || n, 'builtin/extractive' from generate_series(1, $2::int) n`,
    [id, count],
  );
}

/** Every minion of a list, page by page. */
async function walk(query: string, limit: number): Promise<WireMinion[]> {
  const pages: WireMinion[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined;) {
    const page = await minions(`${query}&limit=${limit}${cursor === "" ? "" : `&cursor=${cursor}`}`);
    expect(page.minions.length).toBeLessThanOrEqual(limit);
    pages.push(...page.minions);
    cursor = page.next_cursor;
  }
  return pages;
}

const compare = <T>(a: T, b: T) => (a < b ? -1 : a > b ? 1 : 0);

/** How each order compares two minions; ids break ties, the same way round. */
const orders: Record<Sorting, (a: WireMinion, b: WireMinion) => number> = {
  newest: (a, b) => b.id - a.id,
  name: (a, b) => compare(a.display_name.toLowerCase(), b.display_name.toLowerCase()) || a.id - b.id,
  experience: (a, b) => b.experience - a.experience || b.id - a.id,
  updated: (a, b) => compare(b.updated_at, a.updated_at) || b.id - a.id,
};

describe("the order of minions", () => {
  test.each(sortings)("the order by %s has each minion once across pages, also with ties", async (sort) => {
    const random = seededRandom(5);
    for (let n = 0; n < 23; n++) {
      const moment = new Date(Date.UTC(2026, 0, 1, 0, 0, Math.floor(random() * 4)));
      const xp = Math.floor(random() * 4);
      await insert({ display_name: `${n % 2 ? "x" : "X"}${n % 7} ${"é".repeat(n)}`, total_usage_xp: xp, updated_at: moment });
    }
    const whole = await minions(`?sort=${sort}&limit=100`);
    expect(whole.minions).toHaveLength(23);
    expect(whole.minions.map(({ id }) => id)).toEqual(whole.minions.toSorted(orders[sort]).map(({ id }) => id));
    for (const limit of [1, 5, 23]) expect(await walk(`?sort=${sort}`, limit)).toEqual(whole.minions);
  });

  test("the default order is newest first", async () => {
    for (const display_name of ["a", "b", "c"]) await insert({ display_name });
    expect(await names()).toEqual(["c", "b", "a"]);
  });

  test("the next page continues correctly after minions were created or deleted", async () => {
    for (const display_name of ["a", "b", "c", "d"]) await insert({ display_name });
    const { next_cursor } = await minions("?sort=name&limit=2");
    await insert({ display_name: "aa" });
    await api.database.sql("delete from spirit_minions where user_id = $1 and display_name = 'b'", [person.id]);
    expect(await names(`?sort=name&limit=2&cursor=${next_cursor}`)).toEqual(["c", "d"]);
  });
});

describe("a cursor of the minions", () => {
  const encoded = (value: unknown) =>
    Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

  test.each([
    ["newest", ["newest", "1; drop table users", 1]],
    ["newest", ["newest", "9999999999", 1]],
    ["newest", ["newest", "1", 2 ** 31]],
    ["newest", ["newest", "1", 1.5]],
    ["newest", ["newest", "1", -1]],
    ["newest", ["newest", 1, 1]],
    ["newest", ["name", "a", 1]],
    ["newest", ["toString", "1", 1]],
    ["newest", []],
    ["newest", null],
    ["newest", "not json"],
    ["newest", ""],
    ["name", ["name", "a\u0000", 1]],
    ["name", ["name", null, 1]],
    ["experience", ["experience", "99999999999", 1]],
    ["experience", ["experience", "4294967296", 1]],
    ["updated", ["updated", "now", 1]],
    ["updated", ["updated", "2026-99-99 00:00:00+00", 1]],
    ["updated", ["updated", "2026-01-01 99:99:99+00", 1]],
    ["updated", ["updated", "2026-01-01 00:00:00+99", 1]],
    ["updated", ["updated", "0000-01-01 00:00:00+00", 1]],
    ["updated", ["updated", "2026-02-30 00:00:00+00", 1]],
    ["updated", ["updated", "2026-01-01 24:00:00+00", 1]],
    ["newest", "[".repeat(250)],
  ] as const)("an invalid cursor for the order by %s is refused: %j", async (sort, value) => {
    const refused = await me.get(`/minions?sort=${sort}&cursor=${encoded(value)}`);
    expect([refused.status, faultsIn(refused)]).toEqual([422, ["cursor"]]);
  });

  test("a cursor that is too long or malformed is refused", async () => {
    for (const cursor of ["x".repeat(401), "%00", "💥", "W10"]) {
      const refused = await me.get(`/minions?cursor=${cursor}`);
      expect([refused.status, faultsIn(refused)]).toEqual([422, ["cursor"]]);
    }
  });

  test("a cursor of another user shows only the user's own minions", async () => {
    await fill(await createUser(api), 3);
    expect(await minions(`?cursor=${encoded(["newest", "2147483647", 2 ** 31 - 1])}`)).toMatchObject({ minions: [], total: 0 });
  });
});

describe("filters of minions", () => {
  beforeEach(async () => {
    await insert({ display_name: "Ada 100%", description: "likes tea", is_favorite: true });
    await insert({ display_name: "Bob_1", name: "bob", visibility: "public" });
    await insert({ display_name: "Bobx1", name: "b\\b", class_id: 16 });
    await insert({ display_name: "Eve", model: "old/gone" });
    await insert({ display_name: "Gone", deleted_at: new Date() });
  });

  test.each([
    ["q=TEA", ["Ada 100%"]],
    ["q=%25", ["Ada 100%"]],
    ["q=_", ["Bob_1"]],
    ["q=b_1", ["Bob_1"]],
    ["q=%5C", ["Bobx1"]],
    ["q=bob", ["Bobx1", "Bob_1"]],
    ["q=nothing", []],
    ["favorite=true", ["Ada 100%"]],
    ["favorite=false", ["Eve", "Bobx1", "Bob_1"]],
    ["visibility=public", ["Bob_1"]],
    ["model=old/gone", ["Eve"]],
    ["class_name=swiss+army+KNIFE", ["Bobx1"]],
    ["deleted=true", ["Gone"]],
    ["q=b&visibility=private&favorite=false", ["Bobx1"]],
  ])("the filter %s finds the right minions", async (query, found) => {
    expect([await names(`?${query}`), (await minions(`?${query}&limit=1`)).total]).toEqual([found, found.length]);
  });

  test.each([
    ["q", "q="],
    ["q", `q=${"x".repeat(101)}`],
    ["q", "q=%00"],
    ["favorite", "favorite=maybe"],
    ["visibility", "visibility=friends"],
    ["class_name", "class_name=Wizard"],
    ["sort", "sort=price"],
    ["limit", "limit=0"],
    ["limit", "limit=101"],
    ["deleted", "deleted=1"],
  ])("an invalid %s is refused: %s", async (path, query) => {
    const refused = await me.get(`/minions?${query}`);
    expect([refused.status, faultsIn(refused)]).toEqual([422, [path]]);
  });

  test("a minion on a deleted model is listed", async () => {
    const { minions: found } = await minions("?model=old/gone");
    expect(found).toMatchObject([{ model: "old/gone", provider: null, model_summary: null, score: 6 }]);
  });
});

describe("a thousand minions", () => {
  test("listing them takes as many queries as listing one", async () => {
    const crowds = [1, 1_000];
    const [one, many] = await Promise.all(
      crowds.map(async (count) => {
        const owner = await createUser(api);
        await fill(owner, count);
        return clientOf(api, owner);
      }),
    );
    const took = async (client: Client) => {
      const before = api.roundTrips();
      const answer = await client.get("/minions?sort=experience&limit=10");
      return { answer, trips: api.roundTrips() - before };
    };
    for (const client of [one!, many!]) await took(client);
    const [single, thousand] = [await took(one!), await took(many!)];
    expect([single.answer.body.total, thousand.answer.body.total]).toEqual([1, 1_000]);
    expect([single.trips, thousand.trips, databaseTrips(thousand.answer)]).toEqual([1, 1, 1]);
  });
});

describe("the leaderboard", () => {
  type Board = { entries: { minion_id: number; place: number; experience: number }[]; total: number; next_cursor?: string };
  const board = async (query = "") => bodyOf(await api.get(`/api/v2/minions/leaderboard${query}`)) as Promise<Board>;

  beforeAll(async () => {
    const owner = await createUser(api);
    for (const [n, xp] of [300, 700, 300, 300, 0].entries()) {
      const id = await insertMinion(api.database, owner.id, { display_name: `Public ${n}`, visibility: "public" });
      await setExperience(api.database, id, xp);
    }
    await insertMinion(api.database, owner.id, { visibility: "private" });
  });

  test("it is public and paginated, the most experienced first", async () => {
    const whole = await board("?limit=100");
    expect(whole.entries.map(({ place, experience }) => [place, experience]).slice(0, 4)).toEqual([
      [1, 700],
      [2, 300],
      [3, 300],
      [4, 300],
    ]);
    expect(whole.total).toBe(whole.entries.length);
    const ids = whole.entries.slice(1, 4).map(({ minion_id }) => minion_id);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    const first = await board("?limit=2");
    const second = await board(`?limit=2&cursor=${first.next_cursor}`);
    expect([...first.entries, ...second.entries]).toEqual(whole.entries.slice(0, 4));
    expect(Object.keys(whole.entries[0]!).toSorted()).toEqual(
      ["avatar_url", "class_name", "display_name", "experience", "level", "minion_id", "place", "rank", "score"].toSorted(),
    );
  });

  test("it makes no round trip while it is cached", async () => {
    const { next_cursor } = await board("?limit=1");
    const warm = await api.get(`/api/v2/minions/leaderboard?cursor=${next_cursor}`);
    expect(warm.headers.get("server-timing")).toBe(noRoundTrips);
  });

  test("an invalid cursor or limit is refused", async () => {
    for (const query of [
      "cursor=1.0",
      "cursor=999999999999.0",
      "cursor=x",
      "cursor=1",
      "cursor=-1.0",
      "limit=0",
      "limit=101",
    ]) {
      expect((await api.get(`/api/v2/minions/leaderboard?${query}`)).status).toBe(422);
    }
  });
});
