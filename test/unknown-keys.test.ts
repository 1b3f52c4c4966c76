import { beforeAll, describe, expect, test } from "vitest";
import { bodyOf, useApi } from "./support/api.ts";
import { prepare } from "./support/openapi-examples.ts";
import { send } from "./support/send.ts";
import { bodied, type Listed } from "./support/openapi-operations.ts";
import { createUser, type Person } from "./support/users.ts";

const api = useApi();
let person: Person;
beforeAll(async () => {
  person = await createUser(api, ["user", "superuser"]);
});

/** The operations that ignore unknown keys at the top level: clients of the previous server send them. */
const exempt = [
  "register",
  "login",
  "forgotPassword",
  "resetPassword",
  "updateProfile",
  "changePassword",
  "beginSocialSignIn",
  "createExternalModel",
  "updateExternalModel",
  "testExternalModel",
  "chatExternal",
  "loadDataset",
  "computeSynergy",
  "assignClass",
  "checkClassUnlock",
  "createMinionOfUser",
  "updateMinionOfUser",
  "putTraitsOfUser",
  "chatWithMinionOfUser",
];

/** Objects that are open by contract. */
const open = ["parameters", "preferences", "traits", "traits_intensities", "filter.fields"];

type Schema = {
  type?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  items?: Schema;
  anyOf?: Schema[];
};

/** The objects in a schema, by path: their schema, and a value that has only the objects around it. */
function objectsIn(
  schema: Schema,
  path: readonly string[] = [],
  wrap: (inner: unknown) => unknown = (inner) => inner,
): { path: string; schema: Schema; wrap: (inner: unknown) => unknown }[] {
  const own = schema.type === "object" && path.length > 0 ? [{ path: path.join("."), schema, wrap }] : [];
  return [
    ...own,
    ...Object.entries(schema.properties ?? {}).flatMap(([key, property]) =>
      objectsIn(property, [...path, key], (inner) => wrap({ [key]: inner })),
    ),
    ...(schema.items ? objectsIn(schema.items, [...path, "0"], (inner) => wrap([inner])) : []),
    ...(schema.anyOf ?? []).flatMap((option) => objectsIn(option, path, wrap)),
  ];
}

const schemaOf = ({ operation }: Listed) => operation.requestBody!.content["application/json"]!.schema as Schema;

async function faultsOf(listed: Listed, change: object): Promise<Record<string, string>> {
  const prepared = await prepare(api, person, listed);
  const body = JSON.stringify({ ...(JSON.parse(prepared.body as string) as object), ...change });
  const reply = await send(api, listed, { ...prepared, body }, person.token);
  const { errors = [], code } = await bodyOf(reply);
  expect(code === "validation_failed").toBe(errors.length > 0);
  return Object.fromEntries(errors.map(({ path, message }: Record<string, string>) => [path, message]));
}

/** `__proto__` is missing here, because no body may contain it. */
const unknown = ["unknown_key", "constructor", "toString"];
const withUnknown = JSON.parse(`{${unknown.map((key) => `"${key}":{"deeper":1}`).join()}}`) as object;

describe("an unknown key", () => {
  test.each(bodied.filter(({ id }) => !exempt.includes(id)))("of $name is refused at the top", async (listed) => {
    expect(schemaOf(listed).additionalProperties).toBe(false);
    const faults = await faultsOf(listed, withUnknown);
    for (const key of unknown) expect(faults).toHaveProperty([key], "is not a known key");
  });

  const exempted = bodied.filter(({ id }) => exempt.includes(id));
  test.each(exempted)("of $name is ignored at the top", async (listed) => {
    expect(schemaOf(listed).additionalProperties).toBeUndefined();
    expect(await faultsOf(listed, withUnknown)).not.toHaveProperty("unknown_key");
  });

  test("only the listed operations ignore an unknown key", () => {
    expect(new Set(exempted.map(({ id }) => id))).toEqual(new Set(exempt));
  });

  const nested = bodied.flatMap((listed) =>
    objectsIn(schemaOf(listed)).map((found) => ({ ...found, listed, name: listed.name })),
  );
  const closed = nested.filter(({ path }) => !open.includes(path));
  test.each(closed)("of $name is refused in $path", async ({ listed, path, schema, wrap }) => {
    expect(schema.additionalProperties).toBe(false);
    const faults = await faultsOf(listed, wrap(withUnknown) as object);
    for (const key of unknown) expect(faults).toHaveProperty([`${path}.${key}`], "is not a known key");
  });

  test.each(nested.filter(({ path }) => open.includes(path)))("of $name is free in $path", async ({ listed, path, wrap }) => {
    const faults = await faultsOf(listed, wrap({ unknown_key: { deeper: [{ deepest: 1 }] } }) as object);
    expect(Object.values(faults)).not.toContain("is not a known key");
    expect(faults).not.toHaveProperty([`${path}.unknown_key.deeper`]);
  });

  test("an unknown key is found in nested objects of several operations", () => {
    expect(closed.map(({ path }) => path)).toEqual(expect.arrayContaining(["filter", "questions.0", "questions.0.relevant.0"]));
    expect(new Set(nested.map(({ path }) => path).filter((path) => open.includes(path)))).toEqual(new Set(open));
  });
});

describe("a key that cannot be changed", () => {
  test.each([
    ["updateMe", ["id", "email", "username", "roles", "is_verified", "created_at"]],
    ["updateMinion", ["id", "user_id", "version", "level", "experience", "score", "spirits", "created_at", "updated_at"]],
    ["createMinion", ["id", "user_id", "level", "created_at"]],
    ["putTraits", ["trait_slots", "trait_points"]],
    ["updateConversation", ["id", "minion_id", "kind", "version"]],
    ["updateDataset", ["id", "sample_count", "is_verified", "file_hash", "version"]],
    ["createKnowledgeBase", ["id", "chunk_count"]],
    ["updateKnowledgeBase", ["id", "embedding_model", "datasets", "version"]],
    ["putPreferences", ["version"]],
    ["createApiKey", ["id", "prefix", "last_used_at"]],
    ["setRoles", ["id", "email", "banned_at"]],
    ["putLoadout", ["spirit_level", "equipped_at"]],
    ["grantAccess", ["source", "granted_at"]],
  ])("a key that cannot be changed is read-only for %s: %j", async (id, keys) => {
    const listed = bodied.find((each) => each.id === id)!;
    const faults = await faultsOf(listed, Object.fromEntries([...keys, "unknown_key"].map((key) => [key, 1])));
    expect(faults).toEqual({
      ...Object.fromEntries(keys.map((key) => [key, "is read-only"])),
      unknown_key: "is not a known key",
    });
  });
});

test("a body with thousands of unknown keys gets a short reply", async () => {
  const body = Object.fromEntries(Array.from({ length: 5_000 }, (_, key) => [`k${key}`, 0]));
  const reply = await api.get("/api/v2/me", {
    method: "PATCH",
    headers: { authorization: `Bearer ${person.token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  expect(reply.status).toBe(422);
  const text = await reply.text();
  expect(text.length).toBeLessThan(40_000);
  expect(JSON.parse(text)).toMatchObject({ detail: expect.stringMatching(/; and 4900 more faults$/) });
});
