import { describe, expect, test } from "vitest";
import { commit } from "../../src/kit/db/commit.ts";
import { selectTurnMemory, turnMemoryFrom } from "../../src/memory/queries.ts";
import { changeFact, changeMemory, deleteFact, deleteFacts } from "../../src/memory/service.ts";
import type { TurnMemory } from "../../src/memory/types.ts";
import * as memory from "./support/memory.ts";

const harness = memory.useMemoryHarness();
const add = (text: string) => memory.add(harness, text);
const list = () => memory.list(harness);
const textsOf = () => memory.textsOf(harness);

describe("the memory of a turn", () => {
  const read = async (known?: TurnMemory) => {
    const [rows] = await commit(harness.ctx, [selectTurnMemory(harness.ctx, harness.owner, known)]);
    return { memory: turnMemoryFrom(rows, known), isRead: rows.rows[0]!.facts !== null };
  };

  test("facts are read again only after a change of any kind", async () => {
    const steps: (() => Promise<unknown>)[] = [
      () => add("I like tea."),
      () => add("I like coffee."),
      async () => changeFact(harness.ctx, harness.owner, (await list()).facts[1]!.id, { text: "I like green tea." }, undefined),
      async () => deleteFact(harness.ctx, harness.owner, (await list()).facts[0]!.id),
      async () => {
        await deleteFact(harness.ctx, harness.owner, (await list()).facts[0]!.id);
        await add("I like milk.");
      },
      () => deleteFacts(harness.ctx, harness.owner),
    ];
    let known = (await read()).memory;
    expect(known).toMatchObject({ enabled: true, facts: [] });
    for (const step of steps) {
      await step();
      const changed = await read(known);
      expect(changed.isRead).toBe(true);
      expect(changed.memory.facts.map(({ text }) => text)).toEqual((await textsOf()).toReversed());
      const same = await read(changed.memory);
      expect(same).toEqual({ memory: changed.memory, isRead: false });
      known = changed.memory;
    }
    await changeMemory(harness.ctx, harness.owner, { enabled: false }, undefined);
    expect((await read(known)).memory.enabled).toBe(false);
  });
});
