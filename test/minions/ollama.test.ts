import { expect, test } from "vitest";
import { useConnected } from "../models/support/connected-provider.ts";
import { useApi } from "../support/api.ts";
import { createUser } from "../support/users.ts";
import { scriptedText } from "../support/vendors/script.ts";
import { clientOf, faultsIn, makeMinion, newMinion } from "./support/minions.ts";

/** Minions on models of the operator's Ollama server. */

const connected = useConnected("ollama", ({ baseUrl }) => ({ EGRESS_ALLOWED_HOSTS: "", OLLAMA_URL: baseUrl }));
const alone = useApi();

const model = "ollama/llama3.2:latest";

test("a new minion can use and answer with a model of the local server", async () => {
  const me = clientOf(connected.api, await createUser(connected.api));
  const minion = await makeMinion(me, { model });
  expect(minion).toMatchObject({ model, provider: "ollama", model_summary: { kind: "language", model_id: "llama3.2:latest" } });
  const { body } = await me.post(`/minions/${minion.id}/conversations`, {});
  const reply = await me.post(`/conversations/${body.conversation.id}/messages`, { text: "Hello" });
  expect(reply.body.message).toMatchObject({ status: "complete" });
  expect(JSON.stringify(reply.body.message)).toContain(scriptedText);
});

test("an embedding model is refused, and so is every local model without a server", async () => {
  const me = clientOf(connected.api, await createUser(connected.api));
  expect(faultsIn(await me.post("/minions", newMinion({ model: "ollama/nomic-embed-text" })))).toEqual(["model"]);
  const they = clientOf(alone, await createUser(alone));
  expect(faultsIn(await they.post("/minions", newMinion({ model })))).toEqual(["model"]);
});
