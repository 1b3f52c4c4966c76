import { beforeEach, describe, expect, test } from "vitest";
import { bodyOf, useApi } from "../support/api.ts";
import { makePerson, type Person } from "../support/users.ts";
import { ask } from "./support/notifications.ts";

const api = useApi();
let person: Person;

beforeEach(async () => {
  person = await makePerson(api);
});

async function fill(count: number, read = 0): Promise<void> {
  await api.database.sql(
    `insert into notifications (user_id, kind, title, body, read_at)
     select $1, 'test', 'number ' || n, '', case when n <= $3 then now() end from generate_series(1, $2::int) n`,
    [person.id, count, read],
  );
}

const list = async (query = "") => bodyOf(await ask(api, person, `/api/v2/notifications${query}`));
const titles = ({ notifications }: { notifications: { title: string }[] }) => notifications.map(({ title }) => title);

describe("the inbox", () => {
  test("comes page by page, the newest first, with how many are unread", async () => {
    await fill(5, 2);
    const first = await list("?limit=3");
    expect(first).toMatchObject({ success: true, total: 5, unread: 3 });
    expect(titles(first)).toEqual(["number 5", "number 4", "number 3"]);
    const second = await list(`?limit=3&cursor=${first.next_cursor}`);
    expect(titles(second)).toEqual(["number 2", "number 1"]);
    expect(second).not.toHaveProperty("next_cursor");
  });

  test("can be had without what was read, or with nothing else", async () => {
    await fill(3, 1);
    const unread = await list("?unread=true");
    expect([titles(unread), unread.total]).toEqual([["number 3", "number 2"], 2]);
    expect(titles(await list("?unread=false"))).toEqual(["number 1"]);
    expect((await ask(api, person, "/api/v2/notifications?unread=perhaps")).status).toBe(422);
  });

  test("is marked one by one, once, or all up to what was seen", async () => {
    await fill(4);
    const { notifications } = await list();
    const [, third, , first] = notifications as { id: number }[];
    const marked = await bodyOf(await ask(api, person, `/api/v2/notifications/${first!.id}/read`, { method: "POST" }));
    const again = await bodyOf(await ask(api, person, `/api/v2/notifications/${first!.id}/read`, { method: "POST" }));
    expect(again.notification.read_at).toBe(marked.notification.read_at);
    const all = await ask(api, person, "/api/v2/notifications/read-all", { method: "POST", body: { up_to: third!.id } });
    expect(await bodyOf(all)).toMatchObject({ read: 2 });
    expect(titles(await list("?unread=true"))).toEqual(["number 4"]);
  });
});

describe("preferences", () => {
  const put = (preferences: unknown, headers: Record<string, string> = {}) =>
    ask(api, person, "/api/v2/me/preferences", { method: "PUT", body: { preferences }, headers });

  test("are empty at first, and what was written last after", async () => {
    const empty = await ask(api, person, "/api/v2/me/preferences");
    expect([await bodyOf(empty), empty.headers.get("etag")]).toEqual([{ success: true, preferences: {}, version: 0 }, '"0"']);
    expect(await bodyOf(await put({ b: [1, { c: null }], a: "x" }))).toMatchObject({ version: 1 });
    const kept = await ask(api, person, "/api/v2/me/preferences");
    expect(await bodyOf(kept)).toEqual({ success: true, preferences: { b: [1, { c: null }], a: "x" }, version: 1 });
  });

  test("that changed since they were read are not overwritten: 412", async () => {
    expect((await put({ by: "first" }, { "if-match": '"0"' })).status).toBe(200);
    const late = await put({ by: "second" }, { "if-match": '"0"' });
    expect([late.status, (await bodyOf(late)).code]).toEqual([412, "precondition_failed"]);
    expect((await put({ by: "second" }, { "if-match": 'W/"1"' })).status).toBe(200);
    expect((await put({ by: "third" }, { "if-match": "*" })).status).toBe(200);
    expect((await put({ by: "fourth" })).status).toBe(200);
    const malformed = await put({}, { "if-match": "1" });
    expect(await bodyOf(malformed)).toMatchObject({ status: 422, errors: [{ path: "if-match", in: "header" }] });
  });

  test("of ten writers at once who read the same, one is not lost", async () => {
    const statuses = await Promise.all(
      Array.from({ length: 10 }, async (_, by) => (await put({ by }, { "if-match": '"0"' })).status),
    );
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, ...Array<number>(9).fill(412)]);
  });

  test("may have 16 KiB, counted as the client sends them", async () => {
    const room = 16 * 1024 - JSON.stringify({ text: "" }).length;
    expect((await put({ text: "x".repeat(room) })).status).toBe(200);
    const larger = await put({ text: "x".repeat(room + 1) });
    expect(await bodyOf(larger)).toMatchObject({ status: 422, errors: [{ path: "preferences", in: "body" }] });
    expect((await put({ text: "é".repeat(room / 2 + 1) })).status).toBe(422);
  });

  test("in a document that is none are 422", async () => {
    for (const document of [[], "x", 7, null]) expect((await put(document)).status).toBe(422);
  });
});
