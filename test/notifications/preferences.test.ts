import { beforeEach, describe, expect, test } from "vitest";
import { bodyOf, useApi } from "../support/api.ts";
import { createUser, type Person } from "../support/users.ts";
import { sendRequest } from "./support/notifications.ts";

const api = useApi();
let person: Person;

beforeEach(async () => {
  person = await createUser(api);
});

describe("preferences", () => {
  const put = (preferences: unknown, headers: Record<string, string> = {}) =>
    sendRequest(api, person, "/api/v2/me/preferences", { method: "PUT", body: { preferences }, headers });

  test("they are empty at first and then have the last written value", async () => {
    const empty = await sendRequest(api, person, "/api/v2/me/preferences");
    expect([await bodyOf(empty), empty.headers.get("etag")]).toEqual([{ success: true, preferences: {}, version: 0 }, '"0"']);
    expect(await bodyOf(await put({ b: [1, { c: null }], a: "x" }))).toMatchObject({ version: 1 });
    const kept = await sendRequest(api, person, "/api/v2/me/preferences");
    expect(await bodyOf(kept)).toEqual({ success: true, preferences: { b: [1, { c: null }], a: "x" }, version: 1 });
  });

  test("an outdated version is 412 and overwrites nothing", async () => {
    expect((await put({ by: "first" }, { "if-match": '"0"' })).status).toBe(200);
    const late = await put({ by: "second" }, { "if-match": '"0"' });
    expect([late.status, (await bodyOf(late)).code]).toEqual([412, "precondition_failed"]);
    expect((await put({ by: "second" }, { "if-match": 'W/"1"' })).status).toBe(200);
    expect((await put({ by: "third" }, { "if-match": "*" })).status).toBe(200);
    expect((await put({ by: "fourth" })).status).toBe(200);
    const malformed = await put({}, { "if-match": "1" });
    expect(await bodyOf(malformed)).toMatchObject({ status: 422, errors: [{ path: "if-match", in: "header" }] });
  });

  test("of ten concurrent writes none is lost", async () => {
    const statuses = await Promise.all(
      Array.from({ length: 10 }, async (_, by) => (await put({ by }, { "if-match": '"0"' })).status),
    );
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, ...Array<number>(9).fill(412)]);
  });

  test("they may have 16 KiB, counted as sent", async () => {
    const room = 16 * 1024 - JSON.stringify({ text: "" }).length;
    expect((await put({ text: "x".repeat(room) })).status).toBe(200);
    const larger = await put({ text: "x".repeat(room + 1) });
    expect(await bodyOf(larger)).toMatchObject({ status: 422, errors: [{ path: "preferences", in: "body" }] });
    expect((await put({ text: "é".repeat(room / 2 + 1) })).status).toBe(422);
  });

  test("an invalid document is 422", async () => {
    for (const document of [[], "x", 7, null]) expect((await put(document)).status).toBe(422);
  });
});
