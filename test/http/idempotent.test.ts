import { beforeEach, describe, expect, test } from "vitest";
import { bodyOf, useApi } from "../support/api.ts";
import { prepare } from "../support/openapi-examples.ts";
import { operations, type Listed } from "../support/openapi-operations.ts";
import { authHeader, createUser, type Person } from "../support/users.ts";

/** The idempotency table: every operation of the OpenAPI document that creates something is called twice. */

const api = useApi();
let person: Person;

beforeEach(async () => {
  person = await createUser(api, ["user", "superuser"]);
});

const takesKey = ({ operation }: Listed) => operation.parameters?.some(({ name }) => name === "idempotency-key") ?? false;
const makers = operations.filter(
  ({ method, operation }) => method === "POST" && "201" in operation.responses && operation.security.length > 0,
);

test("every authenticated operation that creates something accepts an Idempotency-Key, and no other does", () => {
  expect(makers.length).toBeGreaterThan(4);
  expect(operations.filter(takesKey).map(({ name }) => name)).toEqual(makers.map(({ name }) => name));
});

async function send({ method }: Listed, url: string, body: unknown, key: string): Promise<Response> {
  const headers = { ...authHeader(person.token), "idempotency-key": key, "content-type": "application/json" };
  return api.get(url, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
}

/** A valid body that differs in one text or number. */
function otherBody(body: Record<string, unknown>): Record<string, unknown> {
  const text = Object.keys(body).find((key) => /name|title|reason|^text$/.test(key));
  if ("url" in body) return { ...body, url: "https://example.com/other" };
  if (text !== undefined) return { ...body, [text]: "another.csv" };
  const number = Object.keys(body).find((key) => typeof body[key] === "number");
  return number === undefined ? { ...body, title: "another" } : { ...body, [number]: Number(body[number]) + 1 };
}

const secrets = new Set(["key", "token"]);

describe.each(makers)("$name", (listed) => {
  test("a repeated request creates one resource and returns the same reply without secrets", async () => {
    const { url, body: text } = await prepare(api, person, listed);
    const body: unknown = text === undefined ? undefined : JSON.parse(String(text));
    const [first, second] = [await send(listed, url, body, "key-1"), await send(listed, url, body, "key-1")];
    expect([first.status, second.status]).toEqual([201, 201]);
    expect([first, second].map(({ headers }) => headers.get("idempotency-replayed"))).toEqual([null, "true"]);
    const [made, again] = [await bodyOf(first), await bodyOf(second)];
    const { skipped: _skipped, ...kept } = made as Record<string, unknown>;
    const masked = Object.entries(kept).map(([name, value]) => [name, secrets.has(name) ? null : value]);
    expect(again).toEqual(Object.fromEntries(masked));
    for (const name of Object.keys(kept)) expect(secrets.has(name) ? typeof kept[name] : "shown").toMatch(/^(string|shown)$/);
  });

  test("another body with the same Idempotency-Key is 422", async () => {
    const { url, body: text } = await prepare(api, person, listed);
    const body = text === undefined ? {} : (JSON.parse(String(text)) as Record<string, unknown>);
    await send(listed, url, text === undefined ? undefined : body, "key-1");
    const other = text === undefined ? (await prepare(api, person, listed)).url : url;
    const reply = await send(listed, other, text === undefined ? undefined : otherBody(body), "key-1");
    expect([reply.status, (await bodyOf(reply)).code]).toEqual([422, "idempotency_key_reused"]);
  });
});
