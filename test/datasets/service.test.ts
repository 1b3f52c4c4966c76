import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { clientOf, databaseTrips, faultsIn, refusalIn, type Client } from "../minions/support/minions.ts";
import { bodyOf, useApi } from "../support/api.ts";
import { authHeader, createUser, type Person } from "../support/users.ts";
import { detect, read } from "./support/datasets.ts";
import { settled, upload } from "./support/upload.ts";

const api = useApi();
let person: Person;
let me: Client;

beforeAll(async () => {
  person = await createUser(api);
  me = clientOf(api, person);
});

async function makeReady(bytes: string, fileName: string, client = me, who = person) {
  const { status, body } = await upload(api, who, bytes, fileName);
  expect(status).toBe(202);
  return settled(client, body.dataset.id);
}

const contractKeys = [
  ..."id name description type format sample_count sampleCount file_size quality_score processing_status is_active".split(" "),
  ..."is_public is_verified usage_count tags created_at updated_at last_used version file_path file_hash".split(" "),
  ..."processed_items is_global is_favorite source license".split(" "),
];

describe("an upload", () => {
  test.each([
    "angler.docx",
    "angler.html",
    "angler.md",
    "angler.pdf",
    "angler.txt",
    "dialogues.csv",
    "dialogues.json",
    "dialogues.tsv",
    "instructions.jsonl",
    "paragraphs.parquet",
  ])("a file of %s is parsed into rows", async (name) => {
    const bytes = await readFile(`test/fixtures/formats/${name}`);
    const { status, body } = await upload(api, person, bytes, name);
    expect([status, body.dataset.processing_status]).toEqual([202, "pending"]);
    const dataset = await settled(me, body.dataset.id);
    expect(dataset).toMatchObject({
      processing_status: "ready",
      error: null,
      name,
      file_size: bytes.length,
      is_verified: true,
    });
    const { rows } = await read(bytes, await detect(bytes, name), name);
    expect(dataset.sample_count).toBe(rows.length);
    const indexes: number[] = [];
    for (let cursor = ""; ;) {
      const { body: page } = await me.get(`/datasets/${dataset.id}/rows?limit=100${cursor}`);
      indexes.push(...page.rows.map(({ index }: { index: number }) => index));
      if (page.next_cursor === undefined) break;
      cursor = `&cursor=${page.next_cursor}`;
    }
    expect(indexes).toEqual(Array.from({ length: dataset.sample_count }, (_, index) => index));
  });

  test("the same bytes return the existing dataset", async () => {
    const first = await upload(api, person, "a text of its own, once", "once.txt", { name: "Once", description: "Said once" });
    expect([first.status, first.body.dataset]).toMatchObject([
      202,
      { name: "Once", description: "Said once", source: "once.txt" },
    ]);
    const second = await upload(api, person, "a text of its own, once", "twice.txt");
    expect([second.status, second.body.dataset.id]).toEqual([200, first.body.dataset.id]);
    const stranger = await createUser(api);
    expect((await upload(api, stranger, "a text of its own, once", "once.txt")).status).toBe(202);
  });

  test("the reply has the documented keys", async () => {
    const { body } = await me.get("/datasets");
    expect(body).toMatchObject({ success: true, message: expect.any(String), total: expect.any(Number) });
    expect(Object.keys(body.datasets[0])).toEqual(expect.arrayContaining(contractKeys));
    expect(JSON.stringify(body)).not.toContain("users/");
  });

  test.each([
    ["a program", Buffer.from("\x7fELF\x02\x01\x01\0\0\0", "latin1"), "data.csv"],
    ["nothing at all", Buffer.alloc(0), "data.csv"],
  ])("an upload of %s is refused", async (_, bytes, name) => {
    const refused = await upload(api, person, bytes, name);
    expect([refused.status, faultsIn(refused)]).toEqual([422, ["file"]]);
  });

  const third = async (name: string) => {
    const whole = await readFile(`test/fixtures/formats/${name}`);
    return whole.subarray(0, Math.floor(whole.length / 3));
  };

  test.each(["paragraphs.parquet", "angler.docx"])("a %s that is visibly truncated is refused at once", async (name) => {
    const refused = await upload(api, person, await third(name), name);
    expect([refused.status, faultsIn(refused)]).toEqual([422, ["file"]]);
  });

  test.each(["angler.pdf", "dialogues.json"])("a %s that is truncated fails with a reason and shows no row", async (name) => {
    const { body } = await upload(api, person, await third(name), name);
    const { id } = body.dataset;
    const dataset = await settled(me, id);
    expect([dataset.processing_status, dataset.sample_count, typeof dataset.error]).toEqual(["failed", 0, "string"]);
    expect(refusalIn(await me.get(`/datasets/${id}/rows`))).toEqual([409, "conflict"]);
    expect(refusalIn(await me.get(`/datasets/${id}/report`))).toEqual([409, "conflict"]);
  });

  test("an upload without a file, or above the maximum size, is refused", async () => {
    const form = new FormData();
    form.set("name", "nothing");
    const reply = await api.get("/api/v2/datasets", { method: "POST", headers: authHeader(person.token), body: form });
    expect([reply.status, (await bodyOf(reply)).errors[0].path]).toEqual([422, "file"]);
    expect(refusalIn(await upload(api, person, Buffer.alloc(10 * 1024 * 1024 + 1, "a"), "a.txt"))).toEqual([
      413,
      "payload_too_large",
    ]);
  });
});

describe("a dataset", () => {
  test("it is edited with version checks, marked as a favorite, and deleted with its files", async () => {
    const { id } = await makeReady("one text that is edited", "edited.txt");
    const changed = await me.patch(`/datasets/${id}`, { name: "New", tags: ["a", "b"] }, { "if-match": '"1"' });
    expect([changed.status, databaseTrips(changed), changed.body.dataset]).toMatchObject([
      200,
      1,
      { name: "New", tags: ["a", "b"], version: 2 },
    ]);
    expect(refusalIn(await me.patch(`/datasets/${id}`, { name: "Newer" }, { "if-match": '"1"' }))).toEqual([
      412,
      "precondition_failed",
    ]);
    expect((await me.post(`/datasets/${id}/favorite`)).body.is_favorite).toBe(true);
    expect((await me.get(`/datasets/${id}`)).body.dataset.is_favorite).toBe(true);
    expect((await me.post(`/datasets/${id}/favorite`)).body.is_favorite).toBe(false);
    const [row] = await api.database.sql("select folder from datasets where id = $1", [id]);
    const { FILES } = await api.worker.getEnv();
    const files = async () => (await FILES.list({ prefix: String(row!["folder"]) })).objects.length;
    expect(await files()).toBe(2);
    expect((await me.delete(`/datasets/${id}`)).status).toBe(200);
    expect(refusalIn(await me.get(`/datasets/${id}`))).toEqual([404, "not_found"]);
    await expect.poll(files).toBe(0);
  });

  test("it cannot be deleted while a job uses it", async () => {
    const { id } = await makeReady("one text that is used", "used.txt");
    await api.database.sql("insert into dataset_uses (dataset_id, used_by) values ($1, 'knowledge-base:7')", [id]);
    const refused = await me.delete(`/datasets/${id}`);
    expect(refused).toMatchObject({ status: 409, body: { code: "conflict", used_by: ["knowledge base 7"] } });
    expect(refused.body.detail).toContain("It is read by knowledge base 7.");
    await me.patch(`/datasets/${id}`, { is_public: true });
    expect((await me.delete(`/datasets/${id}`)).body.used_by).toEqual(["a knowledge base"]);
    await api.database.sql("delete from dataset_uses where dataset_id = $1", [id]);
    expect((await me.delete(`/datasets/${id}`)).status).toBe(200);
  });

  test("a dataset that is being imported is not deleted", async () => {
    const { id } = await makeReady("one text that is imported", "imported.txt");
    for (const status of ["pending", "processing"]) {
      await api.database.sql("update datasets set processing_status = $2 where id = $1", [id, status]);
      expect(refusalIn(await me.delete(`/datasets/${id}`))).toEqual([409, "conflict"]);
    }
    await api.database.sql("update datasets set processing_status = 'failed' where id = $1", [id]);
    expect((await me.delete(`/datasets/${id}`)).status).toBe(200);
  });

  test("a download ticket ends with the session that requested it", async () => {
    const { id } = await makeReady("one text that is downloaded", "downloaded.txt");
    const [owner] = await api.database.sql("select user_id from datasets where id = $1", [id]);
    const linkOf = async () => new URL((await me.get(`/datasets/${id}/download`)).body.url);
    const download = async ({ pathname, search }: URL) => (await api.get(pathname + search)).status;
    const link = await linkOf();
    expect(await download(link)).toBe(200);
    await api.database.sql("update users set banned_at = now() where id = $1", [owner!["user_id"]]);
    expect(await download(link)).toBe(401);
    await api.database.sql("update users set banned_at = null where id = $1", [owner!["user_id"]]);
    expect(await download(link)).toBe(200);
    await api.database.sql("update sessions set expires_at = now() where user_id = $1", [owner!["user_id"]]);
    expect(await download(link)).toBe(401);
    await api.database.sql("update sessions set expires_at = now() + interval '1 day' where user_id = $1", [owner!["user_id"]]);
  });

  test("it is visible only to its owner until it is public", async () => {
    const { id } = await makeReady("one text that is shared", "shared.txt");
    const other = clientOf(api, await createUser(api));
    for (const path of ["", "/rows", "/report", "/download"]) {
      expect(refusalIn(await other.get(`/datasets/${id}${path}`))).toEqual([404, "not_found"]);
    }
    expect(refusalIn(await other.post(`/datasets/${id}/favorite`))).toEqual([404, "not_found"]);
    await me.patch(`/datasets/${id}`, { is_public: true });
    const { body } = await other.get(`/datasets/${id}`);
    expect(body.dataset).toMatchObject({ is_public: true, is_global: true, is_mine: false });
    expect((await other.get(`/datasets/${id}/rows`)).body.rows).toHaveLength(1);
    expect(refusalIn(await other.patch(`/datasets/${id}`, { name: "mine" }))).toEqual([404, "not_found"]);
    expect(refusalIn(await other.delete(`/datasets/${id}`))).toEqual([404, "not_found"]);
  });

  test("it answers a question when it is indexed, and its usage is counted", async () => {
    const { id } = await makeReady("The Danube ends in the Black Sea.\n\nThe Rhine reaches the North Sea.", "rivers.txt");
    const { body } = await me.post("/knowledge-bases", { name: "Rivers" });
    const base = `/knowledge-bases/${body.knowledge_base.id}`;
    expect((await me.post(`${base}/index`, { dataset_ids: [id] })).status).toBe(202);
    await expect.poll(async () => (await me.get(base)).body.knowledge_base.build.status).toBe("complete");
    const { body: found } = await me.post(`${base}/query`, { query: "Where does the Danube end?", top_k: 1 });
    expect(found.passages).toMatchObject([
      { dataset_id: id, source: "rivers.txt", text: expect.stringContaining("Black Sea") },
    ]);
    const { dataset } = (await me.get(`/datasets/${id}`)).body;
    expect([dataset.usage_count, dataset.last_used]).toEqual([1, expect.any(String)]);
  });
});

test("deleting an account deletes its datasets and their files", async () => {
  const leaver = await createUser(api);
  const client = clientOf(api, leaver);
  const { id } = await makeReady("a text of a leaver", "leaver.txt", client, leaver);
  await api.database.sql("insert into dataset_uses (dataset_id, used_by) values ($1, 'test')", [id]);
  expect((await client.get("/me/export")).body.data.datasets).toMatchObject([{ id, name: "leaver.txt" }]);
  expect((await client.delete("/me", {})).status).toBe(202);
  const left = () => api.database.sql("select id from users where id = $1", [leaver.id]);
  await expect.poll(left).toEqual([]);
  const { FILES } = await api.worker.getEnv();
  expect((await FILES.list({ prefix: `users/${leaver.id}/` })).objects).toEqual([]);
});

test("the health of datasets is reported, and is 503 while Postgres is down", async () => {
  const { body } = await me.get("/datasets/health");
  expect(body).toMatchObject({
    success: true,
    message: expect.any(String),
    total_datasets: expect.any(Number),
    status: "operational",
  });
  await api.stopPostgres();
  try {
    const out = await me.get("/datasets/health");
    expect([out.status, out.body.status]).toEqual([503, "error"]);
  } finally {
    await api.startPostgres();
  }
});
