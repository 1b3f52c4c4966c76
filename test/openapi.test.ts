import { Validator } from "@seriousme/openapi-schema-validator";
import { beforeEach, describe, expect, test } from "vitest";
import { aliases } from "../src/http/path-aliases.ts";
import { useApi } from "./support/api.ts";
import { prepare } from "./support/openapi-examples.ts";
import { send } from "./support/send.ts";
import { bodied, document, operations, type Operation } from "./support/openapi-operations.ts";
import { ajv, replyFaults } from "./support/openapi-replies.ts";
import { createUser, type Person } from "./support/users.ts";

const api = useApi();
let person: Person;

/** The faults of a reply against the schema that the document gives for its status. */
async function faults(reply: Response, operation: Operation): Promise<unknown> {
  return replyFaults(operation, reply.status, reply.headers.get("content-type"), await reply.text());
}

describe("the OpenAPI document", () => {
  test("it is valid OpenAPI 3.1", async () => {
    expect(document.openapi).toBe("3.1.0");
    const result = await new Validator().validate(document);
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
  });

  test("it is served unchanged as an asset", async () => {
    const reply = await api.get("/openapi.json");
    expect(reply.headers.get("access-control-allow-origin")).toBe("*");
    expect(await reply.json()).toEqual(document);
  });

  test("it names every operation once", () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThan(50);
  });

  test("it describes every tag once, with health and aliases last", () => {
    const names = document.tags.map(({ name }) => name);
    expect(new Set(names)).toEqual(new Set(operations.flatMap(({ operation }) => operation.tags)));
    expect(new Set(names).size).toBe(names.length);
    expect(names.slice(0, 4)).toEqual(["Accounts", "Me", "Minions", "Conversations"]);
    expect(names.slice(-2)).toEqual(["Health", "Aliases"]);
  });

  test("it lists every alias of every path", () => {
    for (const [alias, canonical] of aliases) {
      const published = Object.keys(document.paths).filter((path) => path === canonical || path.startsWith(`${canonical}/`));
      expect(published.length).toBeGreaterThan(0);
      for (const path of published) expect(document.paths).toHaveProperty([alias + path.slice(canonical.length)]);
    }
  });

  test("its examples match its own schemas", () => {
    let count = 0;
    for (const [name, { examples: given = [] }] of Object.entries(document.components.schemas)) {
      const validate = ajv.compile({ $ref: `openapi#/components/schemas/${name}` });
      for (const example of given) {
        count += 1;
        expect(validate(example) || validate.errors, name).toBe(true);
      }
    }
    expect(count).toBeGreaterThan(4);
  });
});

describe("every documented operation", () => {
  beforeEach(async () => {
    person = await createUser(api, ["user", "superuser"]);
  });

  test.each(operations)("$name answers as documented", async (listed) => {
    const prepared = await prepare(api, person, listed);
    const reply = await send(api, listed, prepared, person.token);
    expect(await faults(reply.clone(), listed.operation)).toEqual([]);
    expect(reply.status).toBe(listed.operation.operationId === "registerAtAlias" ? 409 : prepared.status);
  });

  test.each(bodied)("$name refuses a malformed body as documented", async (listed) => {
    const { url } = await prepare(api, person, listed);
    for (const [body, type, status] of [
      ["{", "application/json", 400],
      ["{}", "text/plain", 415],
      ["[]", "application/json", 422],
      [`"${"x".repeat(70_000)}"`, "application/json", 413],
    ] as const) {
      const reply = await send(api, listed, { url, body, type }, person.token);
      expect(reply.status).toBe(status);
      expect(await faults(reply, listed.operation)).toEqual([]);
    }
  });

  const uploads = operations.filter(
    ({ operation: { requestBody } }) => requestBody && !requestBody.content["application/json"],
  );
  test.each(uploads)("$name refuses JSON in place of a file as documented", async (listed) => {
    const { url } = await prepare(api, person, listed);
    for (const type of ["application/json", "application/x-www-form-urlencoded"]) {
      const reply = await send(api, listed, { url, body: '{"name":"example"}', type }, person.token);
      expect(await faults(reply.clone(), listed.operation)).toEqual([]);
      expect(await reply.json()).toMatchObject({
        status: 415,
        detail: expect.stringContaining(`The Content-Type is ${type}.`),
      });
    }
  });

  const numbered = operations.filter(({ path }) => path.includes("{id}"));
  test.each(numbered)("$name refuses an invalid ID as documented", async (listed) => {
    for (const [id, status] of [
      ["abc", 422],
      ["0", 422],
      ["-1", 422],
      ["1.5", 422],
      ["99999999999", 422],
      ["2147483648", 422],
      ["2147483647", 404],
    ] as const) {
      const reply = await send(api, listed, await prepare(api, person, listed, { id }), person.token);
      expect(reply.status).toBe(status);
      expect(await faults(reply, listed.operation)).toEqual([]);
    }
  });
});
