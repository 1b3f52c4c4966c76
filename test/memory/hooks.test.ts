import { describe, expect, test } from "vitest";
import { commit } from "../../src/kit/db/commit.ts";
import { exportUser } from "../../src/memory/hooks.ts";
import { changeMemory } from "../../src/memory/service.ts";
import { purgeTrash } from "../../src/minions/service.ts";
import { insertMinion } from "../minions/support/minions.ts";
import * as memory from "./support/memory.ts";

const harness = memory.useMemoryHarness();
const add = (text: string) => memory.add(harness, text);

describe("leaving", () => {
  test("the export has the facts and the settings, and not the hash", async () => {
    await add("I like tea.");
    await changeMemory(harness.ctx, harness.owner, { enabled: false }, undefined);
    const queries = exportUser(harness.ctx, harness.owner.userId);
    const [facts, settings] = await commit(harness.ctx, [queries["memory_facts"]!, queries["memory_settings"]!]);
    expect(facts).toEqual([
      expect.objectContaining({ minion_id: harness.owner.minionId, text: "I like tea.", source: "owner" }),
    ]);
    expect(facts).not.toEqual([expect.objectContaining({ text_hash: expect.anything() })]);
    expect(settings).toMatchObject([{ minion_id: harness.owner.minionId, enabled: false }]);
  });

  test("a minion that is deleted for good, and a user, take their facts with them", async () => {
    await add("I like tea.");
    await changeMemory(harness.ctx, harness.owner, { enabled: false }, undefined);
    await changeMemory(harness.ctx, harness.owner, { enabled: true }, undefined);
    const rows = async () => {
      const { facts, settings } = await harness.one(
        `select (select count(*) from memory_facts where user_id = $1)::int as facts,
           (select count(*) from memory_settings where user_id = $1)::int as settings`,
        [harness.owner.userId],
      );
      return [facts, settings];
    };
    expect(await rows()).toEqual([1, 1]);
    await harness.database.sql("update spirit_minions set deleted_at = now() - interval '31 days' where id = $1", [
      harness.owner.minionId,
    ]);
    await purgeTrash(harness.ctx);
    expect(await rows()).toEqual([0, 0]);
    harness.owner = { ...harness.owner, minionId: await insertMinion(harness.database, harness.userId) };
    await add("I like tea.");
    await harness.database.sql("delete from spirit_minions where user_id = $1", [harness.owner.userId]);
    expect(await rows()).toEqual([0, 0]);
  });
});
