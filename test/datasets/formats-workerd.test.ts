import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestHarness, unstable_readConfig as readConfig } from "wrangler";
import { make, type Made } from "./probe.ts";
import { fixtures } from "./support.ts";

const { compatibility_date, compatibility_flags } = readConfig({ config: "wrangler.toml" });
const main = "test/datasets/probe.ts";
const harness = createTestHarness({
  workers: [{ config: { name: "datasets-probe", main, compatibility_date: compatibility_date!, compatibility_flags } }],
});
let url: URL;

beforeAll(async () => {
  ({ url } = await harness.listen());
});
afterAll(() => harness.close());

test.each(fixtures)("%s is read in the runtime of production as it is here", async (name, format) => {
  const bytes = readFileSync(`test/fixtures/formats/${name}`);
  const response = await fetch(new URL(name, url), { method: "POST", body: bytes });
  const made = (await response.json()) as Made;
  expect(made.format).toBe(format);
  expect(made).toEqual(JSON.parse(JSON.stringify(await make(bytes, name))));
});
