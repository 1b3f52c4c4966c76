import { beforeAll, describe, expect, test } from "vitest";
import { clientOf, type Client } from "../../minions/support/minions.ts";
import { settled, upload } from "../support/upload.ts";
import { createUser, type Person } from "../../support/users.ts";
import { useApi } from "../../support/api.ts";

const api = useApi();
let person: Person;
let me: Client;

beforeAll(async () => {
  person = await createUser(api);
  me = clientOf(api, person);
});

async function makeReady(bytes: string, fileName: string) {
  const { status, body } = await upload(api, person, bytes, fileName);
  expect(status).toBe(202);
  return settled(me, body.dataset.id);
}

const faq = "question,answer\nWhat is it?,A test.\nWhat is it?,A test.\n,Nothing was asked.\n=1+1,A formula is a text.\n";

describe("a ready dataset", () => {
  test("the report lists its problems and what cleaning drops", async () => {
    const dataset = await makeReady(faq, "faq.csv");
    expect(dataset).toMatchObject({ sample_count: 4, format: "csv", quality_score: 62, processed_items: 4 });
    const { body } = await me.get(`/datasets/${dataset.id}/report`);
    expect(body.report).toMatchObject({ rows: 4, kept: 2, unreadable: 0, kinds: { question: 4 }, quality_score: 62 });
    expect(body.report.dropped).toMatchObject({ duplicate: 1, malformed: 1, empty: 0 });
    expect(body.report.dropped_rows.map(({ index, reason }: Record<string, unknown>) => [index, reason])).toEqual([
      [1, "duplicate"],
      [2, "malformed"],
    ]);
    const { body: kept } = await me.get(`/datasets/${dataset.id}/rows?kept=true`);
    expect(kept.rows.map(({ source }: { source: string }) => source)).toEqual(["faq.csv#1", "faq.csv#4"]);
  });

  test("the original file is downloaded from a URL that is valid for a minute", async () => {
    const { id } = await makeReady(faq.repeat(2), "faq 'two'.csv");
    const { body } = await me.get(`/datasets/${id}/download`);
    const path = new URL(body.url).pathname + new URL(body.url).search;
    const file = await api.get(path);
    expect(await file.text()).toBe(faq.repeat(2));
    expect(file.headers.get("content-type")).toBe("application/octet-stream");
    expect(file.headers.get("content-disposition")).toBe("attachment; filename*=UTF-8''faq%20%27two%27.csv.csv");
    const { id: another } = await makeReady("another text", "another.txt");
    expect((await api.get(path.replace(`/${id}?`, `/${another}?`))).status).toBe(401);
  });
});
