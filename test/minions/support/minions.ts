import { constraintErrors } from "../../../src/errors.ts";
import { databaseFailure } from "../../../src/kit/db/errors.ts";
import { AppError } from "../../../src/kit/errors.ts";
import type { Minion } from "../../../src/minions/schemas.ts";
import { sendRequest } from "../../notifications/support/notifications.ts";
import { bodyOf, type TestApi, type TestDatabase } from "../../support/api.ts";
import { authHeader, type Person } from "../../support/users.ts";

type Moments = "created_at" | "updated_at" | "deleted_at";

/** A minion as it came over the wire. */
export type WireMinion = Omit<Minion, Moments> & Record<Moments, string | null>;

/** What the API answered. */
export type Answer = { status: number; headers: Headers; body: Awaited<ReturnType<typeof bodyOf>> };

type Headed = Record<string, string>;

/** Somebody, or a program with a token, who asks under /api/v2. */
export function clientOf(api: TestApi, who: Pick<Person, "token">) {
  const call = async (method: string, path: string, body?: unknown, headers: Headed = {}): Promise<Answer> => {
    const reply = await sendRequest(api, who, `/api/v2${path}`, { method, body, headers });
    return { status: reply.status, headers: reply.headers, body: await bodyOf(reply) };
  };
  return {
    get: (path: string) => call("GET", path),
    post: (path: string, body?: unknown, headers?: Headed) => call("POST", path, body, headers),
    put: (path: string, body: unknown) => call("PUT", path, body),
    patch: (path: string, body: unknown, headers?: Headed) => call("PATCH", path, body, headers),
    delete: (path: string, body?: unknown) => call("DELETE", path, body),
  };
}

export type Client = ReturnType<typeof clientOf>;

let named = 0;

/** The least that a new minion needs, with a display name of its own. */
export const newMinion = (given: object = {}) => ({
  name: "ada",
  display_name: `Ada ${++named}`,
  model: "builtin/extractive",
  ...given,
});

/** Makes a minion by the API. @throws what was answered, if it was not made */
export async function makeMinion(client: Client, given: object = {}): Promise<WireMinion> {
  const { status, body } = await client.post("/minions", newMinion(given));
  if (status !== 201) throw new Error(JSON.stringify(body));
  return (body as { minion: WireMinion }).minion;
}

/** Inserts a minion, beside the rules. */
export async function insertMinion(database: Pick<TestDatabase, "sql">, userId: number, columns: object = {}): Promise<number> {
  const row = { user_id: userId, ...newMinion(columns) };
  const places = Object.keys(row).map((_, index) => `$${index + 1}`);
  const [made] = await database.sql(
    `insert into spirit_minions (${Object.keys(row).join(", ")}) values (${places.join(", ")}) returning id`,
    Object.values(row),
  );
  return Number(made!["id"]);
}

/** Lets a minion have this experience, beside the rules. */
export async function setExperience({ sql }: Pick<TestDatabase, "sql">, minionId: number, xp: number): Promise<void> {
  await sql("update spirit_minions set total_training_xp = $2, total_usage_xp = 0 where id = $1", [minionId, xp]);
}

/** Gives a user the right to spirits. */
export async function grantSpirits(
  { sql }: Pick<TestDatabase, "sql">,
  userId: number,
  spiritIds: readonly number[],
): Promise<void> {
  await sql(
    `insert into user_spirit_access (user_id, spirit_id, source, reference) select $1, unnest($2::int[]), 'admin', 'test'`,
    [userId, spiritIds],
  );
}

const beginnings = { png: "\x89PNG\r\n\x1a\n", jpg: "\xff\xd8\xff\xe0", gif: "GIF89a", webp: "RIFF\0\0\0\0WEBPVP8 " } as const;

/** A file that begins as a picture of a kind does. */
export const picture = (kind: keyof typeof beginnings, rest = "") =>
  new Uint8Array(Buffer.from(beginnings[kind] + rest, "latin1"));

/** Gives a minion a picture: the file itself, or a form that holds it. */
export async function putPicture(
  api: TestApi,
  who: Person,
  minionId: number,
  body: Uint8Array<ArrayBuffer> | FormData,
): Promise<Answer> {
  const type = body instanceof FormData ? {} : { "content-type": "application/octet-stream" };
  const headers = { ...authHeader(who.token), ...type };
  const reply = await api.get(`/api/v2/minions/${minionId}/avatar`, { method: "POST", headers, body });
  return { status: reply.status, headers: reply.headers, body: await bodyOf(reply) };
}

/** The names of a user's files in R2. */
export async function filesOf(api: TestApi, { id }: Pick<Person, "id">): Promise<string[]> {
  const { FILES } = await api.worker.getEnv();
  return (await FILES.list({ prefix: `users/${id}/` })).objects.map(({ key }) => key);
}

/** An R2 bucket in memory, as far as pictures need one. */
export function memoryFiles() {
  const files = new Map<string, Uint8Array>();
  const keysWith = (prefix: string) => Array.from(files.keys()).filter((key) => key.startsWith(prefix));
  const bucket = {
    put: async (key: string, bytes: Uint8Array) => void files.set(key, bytes),
    list: async ({ prefix }: { prefix: string }) => ({ objects: keysWith(prefix).map((key) => ({ key })), truncated: false }),
    delete: async (keys: string | string[]) => [keys].flat().forEach((key) => files.delete(key)),
  };
  return { bucket, keysWith };
}

/** How work ended that runs in this process: done, or refused with a code. */
export async function outcomeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "done";
  } catch (error) {
    if (error instanceof AppError) return error.code;
    return databaseFailure(error, constraintErrors)?.code ?? String(error);
  }
}

/** How often each outcome came. */
export function tally(outcomes: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

/** What was refused: its status and its code, or null where it was not. */
export const refusalIn = ({ status, body }: Answer): [number, string] | null =>
  status < 400 ? null : [status, (body as { code: string }).code];

/** Where a request was at fault. */
export const faultsIn = ({ body }: Answer): string[] =>
  ((body as { errors?: { path: string }[] }).errors ?? []).map(({ path }) => path);

/** How often a reply's request asked Postgres. */
export const databaseTrips = ({ headers }: Pick<Answer, "headers">): number =>
  Number(/\bdb;dur=[\d.]+;desc="(\d+)"/.exec(headers.get("server-timing") ?? "")?.[1]);

/** The numbers of a loadout, in its order. */
export const idsOf = (spirits: readonly { spirit_id: number }[]): number[] => spirits.map(({ spirit_id }) => spirit_id);

export const spirits = {
  writer: 1,
  creative: 2,
  translator: 3,
  analyst: 4,
  researcher: 5,
  builder: 7,
  debugger: 8,
  connector: 10,
  communicator: 11,
  checker: 13,
} as const;

/** What every user may use: the free tier. */
export const freeSpirits = [spirits.writer, spirits.analyst, spirits.builder, spirits.connector, spirits.checker];
