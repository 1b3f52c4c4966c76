import { readFile } from "node:fs/promises";
import { providers } from "../../../src/models/providers/providers.ts";
import { httpProvider } from "../../../src/models/providers/sdk-provider.ts";

/**
 * Prints what this server says of its providers after one entry is added to their array. Runs in a process of its own, since all names
 * derive from the array when they are first imported.
 */

const added = httpProvider({
  name: "added",
  display_name: "Added Provider",
  icon: "➕",
  color: "#123456",
  base_url: "https://api.added.example/v1",
  requires_api_key: true,
  supports_tools: true,
  supports_embeddings: false,
  supports_fine_tuning: false,
  has_public_model_list: true,
  models: ["added-1"],
  async open() {
    throw new Error("No test calls it.");
  },
});

(providers as unknown as (typeof added)[]).push(added);

const { app } = await import("../../../src/app.ts");
const { describeApi } = await import("../../../dev/cli/openapi.ts");
const { listProviders } = await import("../../../src/models/providers/provider-list.ts");
const { languageCandidate, providerNames, publicModelListProviders } =
  await import("../../../src/models/providers/registry.ts");
const { NewModel, ExternalModel, ProviderParam } = await import("../../../src/models/schemas.ts");
const { Price } = await import("../../../src/models/usage/cost.ts");
const [price] = JSON.parse(await readFile("src/models/usage/prices.json", "utf8")) as object[];

const document = JSON.stringify(describeApi(app));

const report = {
  listed: listProviders({ env: {} } as never).at(-1),
  providerNames,
  publicModelListProviders,
  candidate: languageCandidate("added/some/model").provider.display_name,
  schemas: {
    newModel: NewModel.safeParse({ name: "a", provider: "added", model_id: "m" }).success,
    externalModel: ExternalModel.shape.provider.safeParse("added").success,
    modelList: ProviderParam.safeParse({ provider: "added" }).success,
    price: Price.safeParse({ ...price, provider: "added" }).success,
  },
  /** Whether each enum of the OpenAPI document that names providers names the added one. */
  enums: (document.match(/"enum":\[[^\]]*"openrouter"[^\]]*\]/g) ?? []).map((each) => each.includes('"added"')),
};

export type Report = typeof report;

console.log(JSON.stringify(report));
