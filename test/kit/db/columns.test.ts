import { expect, test } from "vitest";
import { clientOf, newMinion } from "../../minions/support/minions.ts";
import { newModel } from "../../models/support/connected-provider.ts";
import { useApi } from "../../support/api.ts";
import { createUser } from "../../support/users.ts";

const api = useApi();

test("a number that is too small for its column is stored as 0, and others as the nearest one", async () => {
  const client = clientOf(api, await createUser(api));
  const given = { temperature: 0.7, top_p: 1.7883004904033467e-68 };
  const model = await client.post("/external-models", newModel(given));
  expect([model.status, model.body.model]).toMatchObject([201, { temperature: 0.7, top_p: 0 }]);
  const edited = await client.put(`/external-models/${model.body.model.id}`, { top_p: 1e-44 });
  expect(edited.status).toBe(200);
  const minion = await client.post("/minions", newMinion({ ...given, similarity_threshold: Number.MIN_VALUE }));
  expect([minion.status, minion.body.minion]).toMatchObject([201, { temperature: 0.7, top_p: 0, similarity_threshold: 0 }]);
});
