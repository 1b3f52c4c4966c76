import { createHash } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { useApi } from "../support/api.ts";
import { createUser, type Person } from "../support/users.ts";
import { clientOf, databaseTrips, makeMinion, refusalIn, spirits, type Client } from "./support/minions.ts";

const api = useApi();
let person: Person;
let me: Client;
let id: number;

beforeEach(async () => {
  person = await createUser(api);
  me = clientOf(api, person);
  ({ id } = await makeMinion(me));
});

async function newToken(minionId = id): Promise<string> {
  const { status, body } = await me.post(`/minions/${minionId}/token`);
  expect([status, body]).toEqual([201, { success: true, token: expect.stringMatching(/^mn_[\w-]{32,}$/) }]);
  return (body as { token: string }).token;
}

const bearer = (token: string) => clientOf(api, { token });

describe("the token of a minion", () => {
  test("it reads its own minion completely", async () => {
    const program = bearer(await newToken());
    const parts = ["", "/spirits", "/spirits/available", "/spirits/synergy", "/class", "/traits", "/tools", "/xp", "/score"];
    for (const part of parts) {
      const [read, owners] = [await program.get(`/minions/${id}${part}`), await me.get(`/minions/${id}${part}`)];
      expect([part, read.status, read.body]).toEqual([part, 200, owners.body]);
    }
    expect(databaseTrips(await program.get(`/minions/${id}`))).toBe(1);
  });

  test("it reads no other minion and nothing else", async () => {
    const program = bearer(await newToken());
    const sibling = await makeMinion(me);
    const stranger = await makeMinion(clientOf(api, await createUser(api)));
    const refused = [
      await program.get(`/minions/${sibling.id}`),
      await program.get(`/minions/${stranger.id}`),
      await program.get(`/minions/${sibling.id}/xp`),
      await program.get("/minions"),
      await program.get("/minions/scores"),
      await program.get("/me"),
      await program.get("/me/progression"),
      await program.get("/me/export"),
      await program.get("/notifications"),
      await program.get("/sessions"),
      await program.get("/api-keys"),
      await program.post("/socket-tickets", { resource: "me" }),
      await program.post("/api-keys", { name: "key", scopes: ["account.read"] }),
      await program.post(`/admin/minions/${id}/xp`, { amount: 1, reason: "me" }),
    ];
    expect(refused.map(refusalIn)).toEqual(refused.map(() => [403, "forbidden"]));
  });

  test("it changes nothing, not even its own minion", async () => {
    const program = bearer(await newToken());
    const refused = [
      await program.patch(`/minions/${id}`, { name: "eve" }),
      await program.delete(`/minions/${id}`),
      await program.post(`/minions/${id}/restore`),
      await program.post(`/minions/${id}/toggle-favorite`),
      await program.post(`/minions/${id}/token`),
      await program.post(`/minions/${id}/spirits`, { spirit_id: spirits.writer }),
      await program.put(`/minions/${id}/spirits`, { spirit_ids: [] }),
      await program.put(`/minions/${id}/traits`, { traits: {} }),
      await program.post(`/minions/${id}/class`, { class_name: "Swiss Army Knife" }),
    ];
    expect(refused.map(refusalIn)).toEqual(refused.map(() => [403, "forbidden"]));
    expect((await me.get(`/minions/${id}`)).body.minion).toMatchObject({ version: 1, name: "ada" });
  });

  test("it is revoked by a new token, which works", async () => {
    const first = await newToken();
    expect((await bearer(first).get(`/minions/${id}`)).status).toBe(200);
    const second = await newToken();
    expect(refusalIn(await bearer(first).get(`/minions/${id}`))).toEqual([401, "unauthenticated"]);
    expect((await bearer(second).get(`/minions/${id}`)).status).toBe(200);
  });

  test("it is revoked with its minion at once, although it was cached", async () => {
    const token = await newToken();
    expect((await bearer(token).get(`/minions/${id}`)).status).toBe(200);
    await me.delete(`/minions/${id}`);
    expect(refusalIn(await bearer(token).get(`/minions/${id}`))).toEqual([401, "unauthenticated"]);
  });

  test("it is stored as a hash and audited without the token", async () => {
    const token = await newToken();
    const rows = await api.database.sql("select token_hash from minion_tokens where minion_id = $1", [id]);
    expect(rows).toEqual([{ token_hash: createHash("sha256").update(token).digest("base64url") }]);
    const audited = await api.database.sql("select * from audit_log where subject_user_id = $1", [person.id]);
    expect(audited).toMatchObject([{ action: "minion.token_created", details: { minion_id: id } }]);
    expect(JSON.stringify(audited)).not.toContain(token);
  });

  test("it is shown once, and a repeated request creates no other and shows none", async () => {
    const keyed = () => me.post(`/minions/${id}/token`, undefined, { "idempotency-key": "token-1" });
    const first = await keyed();
    const second = await keyed();
    expect([second.status, second.headers.get("idempotency-replayed"), second.body]).toEqual([
      201,
      "true",
      { success: true, token: null },
    ]);
    expect((await bearer(first.body.token as string).get(`/minions/${id}`)).status).toBe(200);
  });

  test("it is created by a signed-in owner, not with an API key", async () => {
    const { id: theirs } = await makeMinion(clientOf(api, await createUser(api)));
    expect(refusalIn(await me.post(`/minions/${theirs}/token`))).toEqual([404, "not_found"]);
    const { body } = await me.post("/api-keys", { name: "key", scopes: ["minions.read", "minions.write"] });
    expect(refusalIn(await bearer(body.key as string).post(`/minions/${id}/token`))).toEqual([403, "forbidden"]);
    expect((await bearer(body.key as string).patch(`/minions/${id}`, { name: "eve" })).status).toBe(200);
  });

  test("a forged or truncated one does not authenticate", async () => {
    const token = await newToken();
    for (const wrong of [`${token}x`, token.slice(0, -1), token.replace("mn_", "sf_"), "mn_"]) {
      expect(refusalIn(await bearer(wrong).get(`/minions/${id}`))).toEqual([401, "unauthenticated"]);
    }
  });
});
