import { beforeAll, expect, test } from "vitest";
import { useApi } from "../../support/api.ts";
import { createUser, type Person } from "../../support/users.ts";
import { clientOf, type Client } from "../../minions/support/minions.ts";
import { settled, upload } from "../support/upload.ts";

const api = useApi();
let person: Person;
let me: Client;

beforeAll(async () => {
  person = await createUser(api);
  me = clientOf(api, person);
});

test("a page of 300,000 open elements fails with the reason", async () => {
  const { body } = await upload(api, person, `<!doctype html>${"<div>".repeat(300_000)}`, "deep.html");
  const dataset = await settled(me, body.dataset.id);
  expect(dataset).toMatchObject({
    processing_status: "failed",
    error: "file: is nested more than 256 levels deep. Flatten it first.",
  });
});

test("the API answers during an import", async () => {
  const lines = Array.from({ length: 20_000 }, (_, i) => JSON.stringify({ text: `${i} ${(i * 7919).toString(36).repeat(8)}` }));
  const { body } = await upload(api, person, lines.join("\n"), "rows.jsonl");
  let answered = 0;
  for (let isOver = false; !isOver;) {
    expect((await api.get("/health")).status).toBe(200);
    const { dataset } = (await me.get(`/datasets/${body.dataset.id}`)).body;
    if (dataset.processed_items > 0 && dataset.processing_status === "processing") answered++;
    isOver = ["ready", "failed"].includes(dataset.processing_status);
  }
  expect(answered).toBeGreaterThan(0);
});
