import { describeApi } from "../../dev/openapi.ts";
import { app } from "../../src/app.ts";
import type { TestApi } from "./api.ts";
import { bearing, makePerson, type Person } from "./people.ts";

type Schema = Record<string, unknown>;

export type Operation = {
  operationId: string;
  parameters?: { name: string; in: string; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
  security: Record<string, unknown>[];
  description?: string;
};

export const document = JSON.parse(JSON.stringify(describeApi(app))) as {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema & { examples?: unknown[] }> };
};

/** Every operation of the document: a route that is new is tested by the tables that walk over these. */
export const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    name: `${method.toUpperCase()} ${path}`,
    method: method.toUpperCase(),
    path,
    operation,
    id: operation.operationId.replace(/AtAlias$/, ""),
  })),
);

export type Listed = (typeof operations)[number];

type Example = {
  /** What stands for the path's parameters; made for the person who asks. */
  params?: (api: TestApi, person: Person) => Promise<Record<string, string | number>> | Record<string, string | number>;
  query?: string;
  body?: unknown;
  /** Where the example cannot succeed by itself. */
  status?: number;
};

const another = async (api: TestApi) => ({ id: (await makePerson(api)).id });
const ownSession = (_api: TestApi, person: Person) => ({ id: person.sessionId });

async function ownKey(api: TestApi, person: Person) {
  const [key] = await api.database.sql(
    "insert into api_keys (user_id, name, prefix, key_hash, scopes) values ($1, 'example', 'sf_example', $2, '{account.read}') returning id",
    [person.id, crypto.randomUUID()],
  );
  return { id: Number(key!["id"]) };
}

/** A request for each operation that needs more than its path. What is missing here makes the tables fail. */
const examples: Record<string, Example> = {
  getSpirit: { params: () => ({ id: 3 }) },
  getSpiritByName: { params: () => ({ name: "writer" }) },
  listSpiritsOfTier: { params: () => ({ tier: "basic" }) },
  listToolsOfSpirit: { params: () => ({ id: 3 }) },
  getSynergy: { query: "?spirit_ids=7,16" },
  computeSynergy: { body: { spirit_ids: [7, 16] } },
  getTool: { params: () => ({ name: "grammar_checker" }) },
  getClass: { params: () => ({ name: "Developer" }) },
  listSpiritsOfClass: { params: () => ({ name: "Developer" }) },
  getTemplate: { params: () => ({ id: 3 }) },
  listSpiritAccess: { params: (_api, person) => ({ id: person.id }) },
  register: { body: { username: "example", email: "example@example.com", password: "correct horse battery" } },
  login: { body: { username: "nobody", password: "correct horse battery" }, status: 401 },
  forgotPassword: { body: { email: "example@example.com" } },
  resetPassword: { body: { token: "unknown", password: "correct horse battery" }, status: 422 },
  verifyEmail: { query: "?token=unknown", status: 422 },
  updateProfile: { body: { first_name: "Ada" } },
  updateMe: { body: { first_name: "Ada" } },
  changePassword: { body: { current_password: "is another", new_password: "correct horse battery" }, status: 401 },
  beginSocialSignIn: { params: () => ({ provider: "github" }), body: {}, status: 404 },
  endSocialSignIn: { params: () => ({ provider: "github" }), status: 404 },
  revokeSession: { params: ownSession },
  createApiKey: { body: { name: "example", scopes: ["account.read"] } },
  revokeApiKey: { params: ownKey },
  getUser: { params: another },
  setRoles: { params: another, body: { roles: ["user", "developer"] } },
  banUser: { params: another, body: { reason: "spam" } },
  unbanUser: { params: another },
  grantAccess: { params: another, body: { spirit_id: 2, reason: "example" } },
};

export type Prepared = { url: string; body: string | undefined; status: number };

/** The request of an operation's example, as `person` would send it. */
export async function prepare(api: TestApi, person: Person, { id, path, operation }: Listed): Promise<Prepared> {
  const { params, query = "", body, status } = examples[id] ?? {};
  const values = (await params?.(api, person)) ?? {};
  const url = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`No example for {${name}} of ${id}: give one in test/support/operations.ts.`);
    return encodeURIComponent(value);
  });
  if (operation.requestBody !== undefined && body === undefined) {
    throw new Error(`No example of a body for ${id}: give one in test/support/operations.ts.`);
  }
  const success = Object.keys(operation.responses).find((code) => code.startsWith("2"));
  return { url: url + query, body: body === undefined ? undefined : JSON.stringify(body), status: status ?? Number(success) };
}

/** Sends a request, by whoever bears the secret. */
export function send(
  api: TestApi,
  { method }: Pick<Listed, "method">,
  { url, body, type = "application/json" }: { url: string; body?: string | undefined; type?: string },
  secret?: string,
): Promise<Response> {
  return api.get(url, {
    method,
    headers: { ...(secret === undefined ? {} : bearing(secret)), ...(body === undefined ? {} : { "content-type": type }) },
    ...(body === undefined ? {} : { body }),
  });
}
