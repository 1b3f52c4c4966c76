import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { rotateKeys } from "../../../dev/cli/rotate-keys.ts";
import type { Ctx } from "../../../src/context.ts";
import { openKey, sealedKeyColumns } from "../../../src/models/external-models/api-keys.ts";
import { whereOwnModel } from "../../../src/models/queries.ts";
import { changeModel, createModel } from "../../../src/models/external-models/service.ts";
import { externalModels } from "../../../src/models/tables.ts";
import { outcomeOf, tally } from "../../minions/support/minions.ts";
import { providerKey } from "../../support/canary.ts";
import { openConcurrentPostgres, type ConcurrentPostgres } from "../../support/concurrent-postgres.ts";
import { createTestContexts, testBindings } from "../../support/in-process-context.ts";
import { createUser } from "../../support/users.ts";
import { newModel } from "../support/connected-provider.ts";

const older = { version: 1, secret: "an-older-key-secret-of-enough-length-0001" };
const newer = { version: 2, secret: "a-newer-key-secret-of-enough-length-00002" };
const listOf = (...secrets: (typeof older)[]) => secrets.map(({ version, secret }) => `${version}:${secret}`).join(" ");

let postgres: ConcurrentPostgres;
/** Workers of three deploys: before, while and after secrets are rotated. */
let before: Ctx;
let meanwhile: Ctx;
let after: Ctx;

beforeAll(async () => {
  postgres = await openConcurrentPostgres(20);
  const worker = (KEY_SECRETS: string) =>
    createTestContexts(testBindings(postgres.bridge.url, { KEY_SECRETS })).context("rotation");
  [before, meanwhile, after] = [listOf(older), listOf(newer, older), listOf(newer)].map(worker) as [Ctx, Ctx, Ctx];
});
afterAll(() => postgres.close());
beforeEach(() => postgres.sql("delete from user_data_keys"));

type Owned = { userId: number; modelId: number; key: string };

async function makeOwned(ctx: Ctx, count: number): Promise<Owned[]> {
  const owned: Owned[] = [];
  for (let made = 0; made < count; made += 1) {
    const { id: userId } = await createUser({ database: postgres });
    const key = providerKey(`of-user-${userId}-abcd`);
    const { id: modelId } = await createModel(ctx, userId, { ...newModel({ api_key: key }), provider: "custom" });
    owned.push({ userId, modelId, key });
  }
  return owned;
}

async function keyOf(ctx: Ctx, { userId, modelId }: Owned): Promise<string | undefined> {
  const [row] = await ctx.db.select(sealedKeyColumns).from(externalModels).where(whereOwnModel(userId, modelId));
  return openKey(ctx, userId, row!);
}

const versions = async () =>
  (await postgres.sql("select distinct version from user_data_keys order by 1")).map(({ version }) => version);

describe("the rotation of secrets", () => {
  test("calls during a rotation succeed, and the old secret is not needed after it", async () => {
    const owned = await makeOwned(before, 40);
    const rotation = { isOver: false };
    let calls = 0;
    const failures: unknown[] = [];
    const caller = async (first: number) => {
      for (let turn = first; !rotation.isOver || turn < first + owned.length; turn += 1) {
        const each = owned[turn % owned.length]!;
        calls += 1;
        const key = await keyOf(meanwhile, each).catch((error: unknown) => error);
        if (key !== each.key) failures.push(key);
      }
    };
    const writer = async () => {
      for (const each of owned.slice(0, 10)) {
        each.key = await changeModel(meanwhile, each.userId, each.modelId, { api_key: each.key }, undefined).then(
          () => each.key,
        );
      }
    };
    const callers = Array.from({ length: 8 }, (_, index) => caller(index * 5));
    const [first, second] = await Promise.all([
      rotateKeys(postgres.url, listOf(newer, older)),
      rotateKeys(postgres.url, listOf(newer, older)),
      writer(),
    ]);
    rotation.isOver = true;
    await Promise.all(callers);
    expect(failures).toEqual([]);
    expect(calls).toBeGreaterThan(40);
    expect(first.rotated + second.rotated).toBe(40);
    expect(await versions()).toEqual([2]);
    for (const each of owned) expect(await keyOf(after, each)).toBe(each.key);
  });

  test("a second rotation changes nothing", async () => {
    await makeOwned(meanwhile, 2);
    const rows = () => postgres.sql("select * from user_data_keys order by user_id");
    const stood = await rows();
    expect(await rotateKeys(postgres.url, listOf(newer, older))).toEqual({ rotated: 0, unreadable: 0 });
    expect(await rows()).toEqual(stood);
  });

  test("unreadable keys are kept and reported by user, without a secret", async () => {
    const [lost, kept] = await makeOwned(before, 2);
    await postgres.sql("update user_data_keys set wrapped = wrapped || 'AAAA' where user_id = $1", [lost!.userId]);
    const lines: string[] = [];
    const outcome = await rotateKeys(postgres.url, listOf(newer, older), (line) => lines.push(line));
    expect(outcome).toEqual({ rotated: 1, unreadable: 1 });
    expect(lines).toEqual([expect.stringContaining(`user ${lost!.userId}`)]);
    expect(lines.join()).not.toContain(older.secret);
    expect(await keyOf(after, kept!)).toBe(kept!.key);
    await expect(keyOf(meanwhile, lost!)).rejects.toMatchObject({ code: "provider_not_configured" });
  });

  test.each(["", "short", `1:${older.secret} 1:${newer.secret}`])(
    "the secrets %j are refused and not repeated",
    async (list) => {
      const failure = (await rotateKeys(postgres.url, list).catch((error: unknown) => error)) as Error;
      expect(failure.message).toMatch(/^KEY_SECRETS is not right/);
      expect(failure.message).not.toContain(older.secret);
    },
  );
});

describe("the first keys of a user", () => {
  test("keys that are stored concurrently are all kept under one data key", async () => {
    for (let round = 0; round < 5; round += 1) {
      const { id: userId } = await createUser({ database: postgres });
      const keys = Array.from({ length: 8 }, (_, index) => providerKey(`first-at-once-${index}`));
      const made = await Promise.all(
        keys.map((api_key) => createModel(meanwhile, userId, { ...newModel({ api_key }), provider: "custom" })),
      );
      const read = await Promise.all(made.map(({ id }) => keyOf(meanwhile, { userId, modelId: id, key: "" })));
      expect(read).toEqual(keys);
      expect(await postgres.sql("select 1 from user_data_keys where user_id = $1", [userId])).toHaveLength(1);
    }
  });
});

test("a user has at most a hundred models, also with concurrent requests", async () => {
  const { id: userId } = await createUser({ database: postgres });
  await postgres.sql(
    `insert into external_models (user_id, name, display_name, provider, model_id)
     select $1, 'gpt', 'Many ' || n, 'custom', 'my-model' from generate_series(1, 97) n`,
    [userId],
  );
  const create = () => outcomeOf(createModel(meanwhile, userId, { ...newModel(), provider: "custom" }));
  expect(tally(await Promise.all(Array.from({ length: 12 }, create)))).toEqual({ done: 3, model_limit_reached: 9 });
});
