import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeApi } from "../dev/openapi.ts";
import { aliases } from "../src/aliases.ts";
import { app } from "../src/app.ts";
import { adminSecret, startApi, type TestApi } from "./support/api.ts";

type Schema = Record<string, unknown>;
type Operation = {
  operationId: string;
  parameters?: { name: string; in: string; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
  security: object[];
};

const document = JSON.parse(JSON.stringify(describeApi(app))) as {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema & { examples?: unknown[] }> };
};

const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addSchema(document, "openapi");

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, method, path, operation })),
);

/** A request that each path answers with success; what the document cannot know by itself. */
const examples: Record<string, string> = {
  "{id}": "3",
  "{tier}": "basic",
  "tools/{name}": "tools/grammar_checker",
  "classes/{name}": "classes/Developer",
  "name/{name}": "name/writer",
};

function exampleUrl(path: string, { parameters = [] }: Operation): string {
  const filled = Object.entries(examples).reduce((url, [template, value]) => url.replace(template, value), path);
  const query = parameters.filter((parameter) => parameter.in === "query" && parameter.name === "spirit_ids");
  return query.length > 0 ? `${filled}?spirit_ids=7,16` : filled;
}

let api: TestApi;

beforeAll(async () => {
  api = await startApi();
});

afterAll(() => api.close());

function send(method: string, url: string, body?: string, type = "application/json"): Promise<Response> {
  return api.get(url, {
    method,
    headers: { authorization: `Bearer ${adminSecret}`, ...(body === undefined ? {} : { "content-type": type }) },
    ...(body === undefined ? {} : { body }),
  });
}

/** The faults of a reply against the schema that the document gives for its status. */
async function faults(reply: Response, operation: Operation): Promise<unknown> {
  const content = operation.responses[String(reply.status)]?.content;
  if (content === undefined) return `status ${reply.status} is not documented`;
  const type = reply.headers.get("content-type")?.split(";")[0] ?? "";
  const schema = content[type]?.schema;
  if (schema === undefined) return `${type} is not documented`;
  const validate = ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"openapi#/')) as Schema);
  return validate(await reply.json()) ? [] : validate.errors;
}

describe("the OpenAPI document", () => {
  test("is valid OpenAPI 3.1", async () => {
    expect(document.openapi).toBe("3.1.0");
    const result = await new Validator().validate(document);
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
  });

  test("is served as an asset, as it is", async () => {
    const reply = await api.get("/openapi.json");
    expect(reply.headers.get("access-control-allow-origin")).toBe("*");
    expect(await reply.json()).toEqual(document);
  });

  test("names every operation once", () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThan(30);
  });

  test("tells every alias of every path", () => {
    for (const [alias, canonical] of aliases) {
      const published = Object.keys(document.paths).filter((path) => path === canonical || path.startsWith(`${canonical}/`));
      expect(published.length).toBeGreaterThan(0);
      for (const path of published) expect(document.paths).toHaveProperty([alias + path.slice(canonical.length)]);
    }
  });

  test("gives examples that its own schemas accept", () => {
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
  test.each(operations)("$name answers as documented", async ({ method, path, operation }) => {
    const body = operation.requestBody ? JSON.stringify({ spirit_ids: [7, 16] }) : undefined;
    const reply = await send(method, exampleUrl(path, operation), body);
    expect(reply.ok).toBe(true);
    expect(await faults(reply, operation)).toEqual([]);
  });

  const bodied = operations.filter(({ operation }) => operation.requestBody);
  test.each(bodied)("$name refuses a malformed body as documented", async ({ method, path, operation }) => {
    const url = exampleUrl(path, operation);
    for (const [body, type, status] of [
      ["{", "application/json", 400],
      ["{}", "text/plain", 415],
      ["[]", "application/json", 422],
      [`"${"x".repeat(70_000)}"`, "application/json", 413],
    ] as const) {
      const reply = await send(method, url, body, type);
      expect(reply.status).toBe(status);
      expect(await faults(reply, operation)).toEqual([]);
    }
  });

  const numbered = operations.filter(({ path }) => path.includes("{id}"));
  test.each(numbered)("$name refuses an id that is none as documented", async ({ method, path, operation }) => {
    for (const [id, status] of [
      ["abc", 422],
      ["0", 422],
      ["-1", 422],
      ["1.5", 422],
      ["99999999999", 422],
      ["2147483648", 422],
      ["2147483647", 404],
    ] as const) {
      const reply = await send(method, path.replace("{id}", id));
      expect(reply.status).toBe(status);
      expect(await faults(reply, operation)).toEqual([]);
    }
  });

  const guarded = operations.filter(({ operation }) => operation.security.length > 0);
  test.each(guarded)("$name refuses strangers as documented", async ({ method, path, operation }) => {
    for (const authorization of ["", "Bearer", "Bearer wrong", `Basic ${adminSecret}`, `Bearer ${adminSecret}x`]) {
      const reply = await api.get(path, { method, headers: { authorization } });
      expect(reply.status).toBe(401);
      expect(await faults(reply, operation)).toEqual([]);
    }
  });
});
