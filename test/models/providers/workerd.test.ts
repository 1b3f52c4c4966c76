import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestHarness, unstable_readConfig as readConfig } from "wrangler";
import { openProvider } from "../../../src/models/providers/registry.ts";
import { providerKey } from "../../support/canary.ts";
import { scriptedText, script } from "../../support/vendors/script.ts";
import { startVendor, type FakeVendor, type Fault } from "../../support/vendors/server.ts";
import { fakedVendor, httpProviders } from "../../support/vendors/vendors.ts";
import type { ProbeRequest, ProbeReply } from "../support/worker.ts";

const apiKey = providerKey("in-workerd");
const { compatibility_date, compatibility_flags } = readConfig({ config: "wrangler.toml" });
const main = "test/models/support/worker.ts";
const harness = createTestHarness({
  workers: [{ config: { name: "models-probe", main, compatibility_date: compatibility_date!, compatibility_flags } }],
});
let url: URL;

beforeAll(async () => {
  ({ url } = await harness.listen());
});
afterAll(() => harness.close());

describe.each(httpProviders)("%s in workerd", (name) => {
  const { protocol, model, suffix = "" } = fakedVendor(name);
  let vendor: FakeVendor;

  beforeAll(async () => {
    vendor = await startVendor(protocol, apiKey);
  });
  afterAll(() => vendor.close());

  async function callProbe(how: ProbeRequest["how"], ...faults: Fault[]): Promise<ProbeReply> {
    vendor.failNext(...faults);
    const body: ProbeRequest = { name, model, apiKey, baseUrl: `${vendor.baseUrl}${suffix}`, how };
    return (await fetch(url, { method: "POST", body: JSON.stringify(body) })).json() as Promise<ProbeReply>;
  }

  test("it answers and streams", async () => {
    for (const how of ["generate", "stream"] as const) {
      const counted = { outcome: "complete", input_tokens: script.usage.input, output_tokens: script.usage.output };
      expect(await callProbe(how)).toMatchObject({ text: scriptedText, records: [counted] });
    }
  });

  test("it parses split bytes and follows no redirect", async () => {
    expect(await callProbe("stream", "bytes")).toMatchObject({ text: scriptedText });
    await callProbe("stream", "redirect", "redirect");
    expect(vendor.redirected()).toBe(0);
  });

  test("it detects a broken stream", async () => {
    const { text, failure, records } = await callProbe("stream", "cut");
    expect(scriptedText.startsWith(text)).toBe(true);
    expect(failure).toBe(`${openProvider(name).display_name} is unavailable. Try again later.`);
    expect(records).toMatchObject([{ outcome: "failed" }]);
  });
});
