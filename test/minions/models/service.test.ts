import { beforeEach, describe, expect, test } from "vitest";
import { clientOf, databaseTrips, type Client } from "../support/minions.ts";
import { sendRequest } from "../../notifications/support/notifications.ts";
import { bodyOf, useApi } from "../../support/api.ts";
import { createUser, type Person } from "../../support/users.ts";
import { keysOf, makeModel, useConnected } from "../../models/support/connected-provider.ts";

const connected = useConnected("ollama", ({ baseUrl }) => ({ OLLAMA_URL: baseUrl }));
const unreached = useApi({ OLLAMA_URL: "http://127.0.0.1:1" });
const alone = useApi();

const localKeys = [
  ..."name size modified capabilities architecture parameters context_length quantization temperature top_p".split(" "),
  ..."system_prompt license avatar_url type ollama_name".split(" "),
].toSorted();

let person: Person;
let me: Client;

beforeEach(async () => {
  person = await createUser(connected.api);
  me = clientOf(connected.api, person);
  await me.get("/models");
});

const namesOf = (models: { name: string }[]) => models.map(({ name }) => name);

describe("the list of all models", () => {
  test("it has the user's own models and the live local ones in one round trip", async () => {
    const own = await makeModel(me, { name: "mine" });
    const { body, headers } = await me.get("/models");
    expect(keysOf(body)).toEqual(["models", "success", "total"]);
    expect(body.total).toBe(3);
    expect(namesOf(body.models)).toEqual(["mine", "llama3.2:latest", "nomic-embed-text:latest"]);
    expect(body.models[0]).toEqual(own);
    expect(databaseTrips({ headers })).toBe(1);
    expect(keysOf(body.models[1])).toEqual(localKeys);
    expect(body.models[1]).toMatchObject({
      type: "ollama",
      ollama_name: "llama3.2:latest",
      architecture: "llama",
      context_length: 131_072,
      capabilities: ["completion", "tools", "vision"],
    });
  });

  test("it is available at its older paths, with and without a slash", async () => {
    await makeModel(me);
    const here = await (await sendRequest(connected.api, person, "/api/v2/models")).text();
    for (const path of ["/api/models-v2", "/api/models", "/api/models/", "/api/v2/models/"]) {
      expect(await (await sendRequest(connected.api, person, path)).text()).toBe(here);
    }
  });

  test("it has a warning and the other models if the local server is down", async () => {
    const they = clientOf(unreached, await createUser(unreached));
    await makeModel(they, { name: "mine" });
    const { status, body } = await they.get("/models");
    expect([status, namesOf(body.models), body.total]).toEqual([200, ["mine"], 1]);
    expect(body.warnings).toEqual([expect.stringContaining("Local models cannot be listed: Ollama")]);
  });

  test("it is empty without a warning if there are none", async () => {
    const they = clientOf(alone, await createUser(alone));
    expect((await they.get("/models")).body).toEqual({ success: true, models: [], total: 0 });
  });
});

describe("a model by its name", () => {
  test("the name may contain slashes and colons, plain or escaped", async () => {
    const own = await makeModel(me, { name: "meta/llama-3:8b", display_name: "Llama: the 3rd" });
    for (const path of [
      "/api/v2/models/meta/llama-3:8b",
      "/api/v2/models/meta%2Fllama-3%3A8b",
      "/api/models-v2/meta/llama-3:8b",
      "/api/models/meta/llama-3:8b/",
      "/api/v2/models/Llama:%20the%203rd",
    ]) {
      const reply = await sendRequest(connected.api, person, path);
      expect([reply.status, await bodyOf(reply)]).toEqual([200, { success: true, model: own }]);
    }
  });

  test("the user's newest own model is preferred, else the local one, else it is 404", async () => {
    await makeModel(me, { name: "llama3.2:latest" });
    const newest = await makeModel(me, { name: "llama3.2:latest" });
    const { body, headers } = await me.get("/models/llama3.2:latest");
    expect([body.model.id, databaseTrips({ headers })]).toEqual([newest.id, 1]);
    const stranger = clientOf(connected.api, await createUser(connected.api));
    expect((await stranger.get("/models/llama3.2:latest")).body.model).toMatchObject({ type: "ollama" });
    expect((await stranger.get("/models/nomic-embed-text")).body.model.name).toBe("nomic-embed-text:latest");
    expect((await stranger.get("/models/of/nobody")).status).toBe(404);
  });

  test("a fixed path segment is never a model name", async () => {
    await makeModel(me, { name: "health" });
    for (const path of ["/api/v2/models/health", "/api/models-v2/health"]) {
      const body = await bodyOf(await connected.api.get(path));
      expect(keysOf(body)).toEqual(["message", "service", "status", "success"]);
      expect(body).toMatchObject({ success: true, service: "models", status: "operational" });
    }
  });
});
