import { beforeEach, describe, expect, test } from "vitest";
import { pointsFor } from "../../../src/minions/progression/rules.ts";
import { openHub } from "../../notifications/support/notifications.ts";
import { useApi } from "../../support/api.ts";
import { createUser, type Person } from "../../support/users.ts";
import { clientOf, faultsIn, makeMinion, refusalIn, type Client, type WireMinion } from "../support/minions.ts";

const api = useApi();
let person: Person;
let me: Client;
let admin: Client;
let id: number;

beforeEach(async () => {
  person = await createUser(api);
  me = clientOf(api, person);
  admin = clientOf(api, await createUser(api, ["admin"]));
  ({ id } = await makeMinion(me, { display_name: "Ada" }));
});

const give = (amount: number, minionId = id, headers = {}) =>
  admin.post(`/admin/minions/${minionId}/xp`, { amount, reason: "Prize" }, headers);
const minion = async () => (await me.get(`/minions/${id}`)).body.minion as WireMinion;

/** A user's points: the balance, the sum of the ledger, and what each movement was for. */
async function booksOf({ id: userId }: Person) {
  const rows = await api.database.sql(
    "select kind, points, reason, reference from points_transactions where user_id = $1 order by id",
    [userId],
  );
  const [held] = await api.database.sql("select total_points from user_points where user_id = $1", [userId]);
  const ledger = rows.reduce((sum, { points }) => sum + Number(points), 0);
  return { balance: Number(held?.["total_points"] ?? 0), ledger, rows };
}

describe("a grant by an administrator", () => {
  test("it raises the experience, is in the history and the audit log, and is not an edit", async () => {
    const { status, body } = await give(1_300);
    expect([status, body]).toMatchObject([201, { success: true, event: { kind: "admin", xp: 1_300, reason: "Prize" } }]);
    const raised = await minion();
    expect(raised).toMatchObject({ experience: 1_300, level: 6, rank: "Skilled", rank_level: 1, version: 1 });
    expect(raised).toMatchObject({ xp_to_next_level: 500, xp_progress_percentage: 37.5 });
    const history = await me.get(`/minions/${id}/xp`);
    expect(history.body).toEqual({ success: true, events: [body.event], total: 1, experience: 1_300, usage_today: 0 });
    const audited = await api.database.sql(
      "select actor, details from audit_log where action = 'minion.experience_granted' and details ->> 'minion_id' = $1",
      [String(id)],
    );
    expect(audited).toEqual([
      { actor: expect.stringMatching(/^user:\d+$/), details: { minion_id: id, amount: 1_300, reason: "Prize" } },
    ]);
  });

  test("a repeated Idempotency-Key counts once", async () => {
    const [first, second] = [
      await give(250, id, { "idempotency-key": "xp" }),
      await give(250, id, { "idempotency-key": "xp" }),
    ];
    expect([second.status, second.headers.get("idempotency-replayed"), second.body]).toEqual([201, "true", first.body]);
    expect(await minion()).toMatchObject({ experience: 250 });
    expect((await booksOf(person)).balance).toBe(5);
  });

  test("it needs an administrator, an existing minion, an amount and a reason", async () => {
    const grant = { amount: 10, reason: "Prize" };
    expect(refusalIn(await me.post(`/admin/minions/${id}/xp`, grant))).toEqual([403, "forbidden"]);
    expect(refusalIn(await give(10, 2_000_000_000))).toEqual([404, "not_found"]);
    for (const amount of [0, -5, 1.5, 200_001, "10"]) {
      expect(faultsIn(await admin.post(`/admin/minions/${id}/xp`, { ...grant, amount }))).toEqual(["amount"]);
    }
    expect(faultsIn(await admin.post(`/admin/minions/${id}/xp`, { amount: 10, reason: " " }))).toEqual(["reason"]);
    expect((await minion()).experience).toBe(0);
  });
});

describe("gained levels and ranks", () => {
  test("a level earns 5 points and a rank 100, once", async () => {
    for (const amount of [199, 1, 700, 99, 1, 4_000]) await give(amount);
    const { balance, ledger, rows } = await booksOf(person);
    expect([balance, ledger]).toEqual([pointsFor(0, 5_000), pointsFor(0, 5_000)]);
    expect(rows.filter(({ points }) => points === 5)).toHaveLength(10);
    expect(rows.filter(({ points }) => points === 100)).toMatchObject([
      { kind: "earned", reason: "Ada became Skilled", reference: `rank:${id}:1` },
      { kind: "earned", reason: "Ada became Specialist", reference: `rank:${id}:2` },
    ]);
    expect(rows[0]).toEqual({ kind: "earned", points: 5, reason: "Ada reached level 2", reference: `level:${id}:2` });
  });

  test("several at once earn the same as one by one", async () => {
    await give(200_000);
    const { balance, ledger, rows } = await booksOf(person);
    expect([balance, ledger, rows.length]).toEqual([34 * 5 + 6 * 100, balance, 34 + 6]);
    expect(await minion()).toMatchObject({ level: 35, rank: "Autonomous", xp_to_next_level: 0, xp_progress_percentage: 100 });
  });

  test("they are pushed to the owner's devices only, at once", async () => {
    const hub = await openHub(api, person);
    await hub.until(({ type }) => type === "presence");
    const nextNotification = async () => (await hub.until(({ type }) => type === "notification"))["notification"];
    await give(199);
    await give(1);
    expect(await nextNotification()).toMatchObject({
      kind: "level_up",
      title: "Ada reached level 2",
      link: `/minions/${id}`,
      data: { minion_id: id, level: 2, rank: "Novice" },
      read_at: null,
    });
    await give(1_000);
    expect(await nextNotification()).toMatchObject({
      kind: "rank_up",
      title: "Ada reached level 6",
      body: "Ada is now Skilled.",
      data: { minion_id: id, level: 6, rank: "Skilled" },
    });
    await hub.close();
    expect((await me.get("/notifications")).body).toMatchObject({ total: 2, unread: 2 });
  });
});

describe("the history of experience", () => {
  const page = async (query: string) => (await me.get(`/minions/${id}/xp${query}`)).body;

  test("it is paginated, newest first", async () => {
    for (let amount = 1; amount <= 5; amount++) await give(amount);
    const xpOf = ({ events }: { events: { xp: number }[] }) => events.map(({ xp }) => xp);
    const first = await page("?limit=2");
    expect([xpOf(first), first.total, first.experience]).toEqual([[5, 4], 5, 15]);
    const second = await page(`?limit=2&cursor=${first.next_cursor}`);
    const third = await page(`?limit=2&cursor=${second.next_cursor}`);
    expect([xpOf(second), xpOf(third)]).toEqual([[3, 2], [1]]);
    expect(third).not.toHaveProperty("next_cursor");
  });

  test("an invalid cursor or limit is refused", async () => {
    for (const cursor of ["x", "-1", "1.5", "", "99999999999"]) {
      expect(faultsIn(await me.get(`/minions/${id}/xp?cursor=${cursor}`))).toEqual(["cursor"]);
    }
    expect((await me.get(`/minions/${id}/xp?cursor=9999999999`)).status).toBeLessThan(500);
    for (const limit of ["0", "101", "x"]) {
      expect(faultsIn(await me.get(`/minions/${id}/xp?limit=${limit}`))).toEqual(["limit"]);
    }
  });
});
