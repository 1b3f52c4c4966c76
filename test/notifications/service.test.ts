import { beforeEach, describe, expect, test } from "vitest";
import { bodyOf, useApi } from "../support/api.ts";
import { createUser, type Person } from "../support/users.ts";
import { sendRequest } from "./support/notifications.ts";

const api = useApi();
let person: Person;

beforeEach(async () => {
  person = await createUser(api);
});

async function fill(count: number, read = 0): Promise<void> {
  await api.database.sql(
    `insert into notifications (user_id, kind, title, body, read_at)
     select $1, 'test', 'number ' || n, '', case when n <= $3 then now() end from generate_series(1, $2::int) n`,
    [person.id, count, read],
  );
}

const list = async (query = "") => bodyOf(await sendRequest(api, person, `/api/v2/notifications${query}`));
const titles = ({ notifications }: { notifications: { title: string }[] }) => notifications.map(({ title }) => title);

describe("the inbox", () => {
  test("notifications are paginated, newest first, with the number of unread ones", async () => {
    await fill(5, 2);
    const first = await list("?limit=3");
    expect(first).toMatchObject({ success: true, total: 5, unread: 3 });
    expect(titles(first)).toEqual(["number 5", "number 4", "number 3"]);
    const second = await list(`?limit=3&cursor=${first.next_cursor}`);
    expect(titles(second)).toEqual(["number 2", "number 1"]);
    expect(second).not.toHaveProperty("next_cursor");
  });

  test("notifications can be filtered by read or unread", async () => {
    await fill(3, 1);
    const unread = await list("?unread=true");
    expect([titles(unread), unread.total]).toEqual([["number 3", "number 2"], 2]);
    expect(titles(await list("?unread=false"))).toEqual(["number 1"]);
    expect((await sendRequest(api, person, "/api/v2/notifications?unread=perhaps")).status).toBe(422);
  });

  test("notifications are marked read one by one, once, or up to the last that was seen", async () => {
    await fill(4);
    const { notifications } = await list();
    const [, third, , first] = notifications as { id: number }[];
    const marked = await bodyOf(await sendRequest(api, person, `/api/v2/notifications/${first!.id}/read`, { method: "POST" }));
    const again = await bodyOf(await sendRequest(api, person, `/api/v2/notifications/${first!.id}/read`, { method: "POST" }));
    expect(again.notification.read_at).toBe(marked.notification.read_at);
    const all = await sendRequest(api, person, "/api/v2/notifications/read-all", {
      method: "POST",
      body: { up_to: third!.id },
    });
    expect(await bodyOf(all)).toMatchObject({ read: 2 });
    expect(titles(await list("?unread=true"))).toEqual(["number 4"]);
  });
});
