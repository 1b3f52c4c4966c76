import { beforeAll, describe, expect, test } from "vitest";
import { clientOf, databaseTrips, faultsIn, refusalIn, type Client } from "../../minions/support/minions.ts";
import { settled } from "../support/upload.ts";
import { authHeader, createUser, type Person } from "../../support/users.ts";
import { bodyOf, useApi } from "../../support/api.ts";

const api = useApi();
let person: Person;
let me: Client;

beforeAll(async () => {
  person = await createUser(api);
  me = clientOf(api, person);
});

describe("a multipart upload", () => {
  const partSize = 8 * 1024 * 1024;
  const line = `${JSON.stringify({ text: "x".repeat(8_000) })}\n`;
  const whole = Buffer.from(line.repeat(Math.ceil((partSize * 1.5) / line.length)));
  const begin = async () => (await me.post("/datasets/uploads", { file_name: "large.jsonl", size: whole.length })).body.upload;
  const put = async (id: number, part: number, bytes: Uint8Array<ArrayBuffer>) => {
    const headers = { ...authHeader(person.token), "content-type": "application/octet-stream" };
    const reply = await api.get(`/api/v2/datasets/uploads/${id}/parts/${part}`, { method: "PUT", headers, body: bytes });
    return { status: reply.status, headers: reply.headers, body: await bodyOf(reply) };
  };

  test("the file is imported when all parts are there, in any order, and once for the same bytes", async () => {
    const upload1 = await begin();
    expect(upload1).toMatchObject({ part_size: partSize, parts_total: 2, parts_received: [], name: "large.jsonl" });
    const last = await put(upload1.id, 2, whole.subarray(partSize));
    expect([last.status, databaseTrips(last), last.body.upload.parts_received]).toEqual([200, 1, [2]]);
    expect(refusalIn(await me.post(`/datasets/uploads/${upload1.id}/complete`))).toEqual([409, "conflict"]);
    await put(upload1.id, 1, Buffer.alloc(partSize, "y"));
    await put(upload1.id, 1, whole.subarray(0, partSize));
    expect(refusalIn(await put(upload1.id, 1, Buffer.from("of another size")))).toEqual([422, "validation_failed"]);
    const done = await me.post(`/datasets/uploads/${upload1.id}/complete`);
    expect([done.status, databaseTrips(done), done.body.dataset.file_size]).toEqual([202, 1, whole.length]);
    const late = await put(upload1.id, 1, whole.subarray(0, partSize));
    expect(refusalIn(late)).toEqual([404, "not_found"]);
    const dataset = await settled(me, done.body.dataset.id);
    expect(dataset).toMatchObject({ processing_status: "ready", format: "jsonl", sample_count: whole.length / line.length });
    const { body: link } = await me.get(`/datasets/${dataset.id}/download`);
    const file = await api.get(new URL(link.url).pathname + new URL(link.url).search);
    expect(Buffer.from(await file.arrayBuffer()).equals(whole)).toBe(true);
    expect(refusalIn(await me.get(`/datasets/uploads/${upload1.id}`))).toEqual([404, "not_found"]);
    const upload2 = await begin();
    for (const part of [1, 2]) await put(upload2.id, part, whole.subarray((part - 1) * partSize, part * partSize));
    const again = await me.post(`/datasets/uploads/${upload2.id}/complete`);
    expect([again.status, again.body.dataset.id]).toEqual([200, dataset.id]);
  });

  test("a part after the last is refused, even an empty one", async () => {
    const { body } = await me.post("/datasets/uploads", { file_name: "even.jsonl", size: 2 * partSize });
    expect(body.upload.parts_total).toBe(2);
    expect(refusalIn(await put(body.upload.id, 3, Buffer.alloc(0)))).toEqual([422, "validation_failed"]);
    expect((await me.delete(`/datasets/uploads/${body.upload.id}`)).status).toBe(200);
  });

  test("a part with another size, or another user's, is refused, and an upload can be canceled", async () => {
    const { id } = await begin();
    const wrong = await put(id, 1, whole.subarray(0, 100));
    expect(refusalIn(wrong)).toEqual([422, "validation_failed"]);
    const stranger = clientOf(api, await createUser(api));
    for (const refused of [await stranger.get(`/datasets/uploads/${id}`), await stranger.delete(`/datasets/uploads/${id}`)])
      expect(refusalIn(refused)).toEqual([404, "not_found"]);
    expect((await me.delete(`/datasets/uploads/${id}`)).status).toBe(200);
    expect(refusalIn(await put(id, 1, whole.subarray(0, partSize)))).toEqual([404, "not_found"]);
    const { FILES } = await api.worker.getEnv();
    const files = async () => (await FILES.list({ prefix: `users/${person.id}/datasets/upload-${id}/` })).objects.length;
    await expect.poll(files).toBe(0);
  });

  test.each([
    ["size", { file_name: "small.csv", size: 1_000 }],
    ["size", { file_name: "huge.csv", size: 105_000_000 }],
    ["file_name", { file_name: " ", size: 20_000_000 }],
  ])("an upload with this %s is refused: %j", async (field, given) => {
    expect(faultsIn(await me.post("/datasets/uploads", given))).toEqual([field]);
  });

  test("an upload expires after a day, and five may be open at once", async () => {
    const person2 = await createUser(api);
    const other = clientOf(api, person2);
    const statuses = [];
    for (let i = 0; i < 6; i += 1)
      statuses.push((await other.post("/datasets/uploads", { file_name: "a.csv", size: 20_000_000 })).status);
    expect(statuses).toEqual([201, 201, 201, 201, 201, 409]);
    await api.database.sql("update dataset_uploads set created_at = now() - interval '25 hours' where user_id = $1", [
      person2.id,
    ]);
    expect((await api.worker.scheduled({ cron: "17 3 * * *" })).outcome).toBe("ok");
    expect(await api.database.sql("select id from dataset_uploads where user_id = $1", [person2.id])).toEqual([]);
  });
});
