import { afterAll, beforeAll } from "vitest";
import type { Client } from "../../minions/support/minions.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { providerKey } from "../../support/canary.ts";
import { startVendor, type FakeVendor } from "../../support/vendors/server.ts";
import { fakedVendor, type HttpProvider } from "../../support/vendors/vendors.ts";

/** The key that the fake vendor takes. */
export const goodKey = providerKey("good-wxyz");
/** One that it turns away. */
export const badKey = providerKey("bad-qrst");

export type Connected = { api: TestApi; vendor: FakeVendor };

/** An API that may call one fake vendor on this machine. */
export function useConnected(
  provider: HttpProvider,
  vars: (vendor: FakeVendor) => Record<string, string> = () => ({}),
): Connected {
  const connected = {} as Connected;
  beforeAll(async () => {
    const { protocol } = fakedVendor(provider);
    // An Ollama server of one's own takes everybody.
    const key = provider === "ollama" ? () => goodKey : protocol.key;
    connected.vendor = await startVendor({ ...protocol, key }, goodKey);
    const { host } = new URL(connected.vendor.baseUrl);
    connected.api = await startApi({ EGRESS_ALLOWED_HOSTS: host, ...vars(connected.vendor) });
  });
  afterAll(async () => {
    await connected.api.close();
    await connected.vendor.close();
  });
  return connected;
}

let named = 0;

/** The least that a new model needs, with a display name of its own. */
export const newModel = (given: object = {}) => ({
  name: "gpt",
  display_name: `Model ${++named}`,
  provider: "custom",
  model_id: "my-model",
  base_url: "https://models.example.com/v1",
  ...given,
});

/** A model as it came over the wire. */
// oxlint-disable-next-line typescript/no-explicit-any -- what it is, the test asserts
export type WireModel = Record<string, any> & { id: number };

/** Makes a model by the API. @throws what was answered, if it was not made */
export async function makeModel(client: Client, given: object = {}): Promise<WireModel> {
  const { status, body } = await client.post("/external-models", newModel(given));
  if (status !== 201) throw new Error(JSON.stringify(body));
  return (body as { model: WireModel }).model;
}

/** The names of a reply's members, in order. */
export const keysOf = (value: object): string[] => Object.keys(value).toSorted();
