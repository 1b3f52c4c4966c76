import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clientOf, faultsIn, refusalIn, type Client } from "../../minions/support/minions.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { createUser } from "../../support/users.ts";
import { makeModel, newModel } from "../support/connected-provider.ts";

/** What the resolver answers for each host. A host that is not here does not exist. */
const hosts = new Map<string, string>();
let isDown = false;

/** A DNS-over-HTTPS resolver on this machine. Only development may configure one that speaks plain HTTP. */
const resolver = createServer((request, response) => {
  const { searchParams } = new URL(request.url!, "http://resolver");
  const address = hosts.get(searchParams.get("name")!);
  const Answer = address && searchParams.get("type") === "A" ? [{ type: 1, data: address, TTL: 0 }] : [];
  response.writeHead(isDown ? 503 : 200, { "content-type": "application/dns-json" });
  response.end(JSON.stringify({ Status: address ? 0 : 3, Answer }));
});

let api: TestApi;
let me: Client;
beforeAll(async () => {
  resolver.listen(0, "127.0.0.1");
  await new Promise((resolve) => resolver.once("listening", resolve));
  const { port } = resolver.address() as AddressInfo;
  api = await startApi({ DNS_RESOLVER_URL: `http://127.0.0.1:${port}/dns-query` });
  me = clientOf(api, await createUser(api));
});
afterAll(async () => {
  await api.close();
  resolver.close();
});

const fault = "base_url: must name a host on the public internet";

test("a base URL whose host resolves to a private address is refused wherever a user gives one", async () => {
  hosts.set("loopback.example.com", "127.0.0.1");
  hosts.set("public.example.com", "203.0.114.1");
  const base_url = "https://loopback.example.com/v1";
  const { id } = await makeModel(me, { base_url: "https://public.example.com/v1" });
  for (const refused of [
    await me.post("/external-models", newModel({ base_url })),
    await me.put(`/external-models/${id}`, { base_url }),
    await me.post("/external-models/test", { provider: "custom", model_id: "m", base_url }),
  ]) {
    expect(refusalIn(refused)).toEqual([422, "validation_failed"]);
    expect(faultsIn(refused)).toEqual(["base_url"]);
    expect(refused.body.detail).toBe(fault);
  }
});

test("a host that moves to a private address after it was stored is not called", async () => {
  hosts.set("moving.example.com", "203.0.114.1");
  const { id } = await makeModel(me, { base_url: "https://moving.example.com/v1" });
  hosts.set("moving.example.com", "169.254.169.254");
  const { body } = await me.post("/external-models/test", { model_id: id });
  expect(body).toMatchObject({ success: false, error: expect.stringContaining("must name a host on the public internet") });
});

test("without an answer of the resolver, a model can be stored but not called", async () => {
  isDown = true;
  const { id } = await makeModel(me, { base_url: "https://later.example.com/v1" });
  const { body } = await me.post("/external-models/test", { model_id: id });
  expect(body).toMatchObject({ success: false, error: expect.stringContaining("could not be looked up") });
  isDown = false;
  const { body: unknown } = await me.post("/external-models/test", { model_id: id });
  expect(unknown).toMatchObject({ success: false, error: expect.stringContaining("has no IP address") });
});
