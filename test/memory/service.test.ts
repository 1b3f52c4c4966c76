import { describe, expect, test } from "vitest";
import { maxFacts } from "../../src/memory/constants.ts";
import { idempotencyGuard, isDuplicate } from "../../src/kit/db/idempotency.ts";
import {
  addFact,
  changeFact,
  changeMemory,
  deleteFact,
  deleteFacts,
  getFact,
  listFacts,
  storeFact,
} from "../../src/memory/service.ts";
import { insertMinion, outcomeOf } from "../minions/support/minions.ts";
import { overhearLog } from "../support/log-lines.ts";
import { createUser } from "../support/users.ts";
import * as memory from "./support/memory.ts";

const harness = memory.useMemoryHarness();
const add = (text: string, message_id?: number) => memory.add(harness, text, message_id);
const list = (query?: object) => memory.list(harness, query);
const textsOf = (query?: object) => memory.textsOf(harness, query);
const messageId = (conversation: number, ordinal: number) => conversation * 2 ** 20 + ordinal;

describe("a fact", () => {
  test("a fact is stored with one round trip, and tells the rooms and the devices of the user", async () => {
    const { value, trips } = await harness.tripsOf(() => add("My cat is called Mimi."));
    expect(trips).toBe(1);
    expect(value).toEqual({
      id: value.id,
      text: "My cat is called Mimi.",
      source: "owner",
      message_id: null,
      conversation_id: null,
      version: 1,
      created_at: expect.any(Date),
      updated_at: expect.any(Date),
    });
    await harness.events.settled();
    expect(harness.sent).toEqual(
      expect.arrayContaining(["settings", { type: "memory_changed", minion_id: harness.owner.minionId, fact_id: value.id }]),
    );
    expect(await getFact(harness.ctx, harness.owner, value.id)).toEqual(value);
  });

  test.each([
    ["the same text", "I like tea."],
    ["another case and other spaces", "  i LIKE \n tea "],
    ["no full stop", "I like tea"],
    ["full-width letters", "Ｉ like tea."],
  ])("a fact that differs in %s only is stored once and returned", async (_, text) => {
    const first = await add("I like tea.");
    await harness.events.settled();
    harness.sent = [];
    expect(await add(text)).toEqual(first);
    await harness.events.settled();
    expect(harness.sent).toEqual([]);
    expect((await list()).memory.fact_count).toBe(1);
  });

  test("two facts of punctuation alone are two facts, and another minion has facts of its own", async () => {
    await add("!!!");
    await add("...");
    expect(await textsOf()).toEqual(["...", "!!!"]);
    const other = { ...harness.owner, minionId: await insertMinion(harness.database, harness.userId) };
    expect((await storeFact(harness.ctx, other, { text: "!!!", source: "owner", message: null })).is_new).toBe(true);
  });

  test("a repeated request with one Idempotency-Key returns the fact of the first one, new or known", async () => {
    const once = (key: string) =>
      harness.ctx.withGuard(idempotencyGuard(harness.ctx, { userId: harness.userId, key, fingerprint: "f" }));
    const first = await addFact(once("a"), harness.owner, { text: "I like tea." });
    await addFact(once("b"), harness.owner, { text: "i like tea" });
    const made = await harness.database.sql("select key, made from idempotency_keys where user_id = $1 order by key", [
      harness.userId,
    ]);
    expect(made).toEqual(["a", "b"].map((key) => ({ key, made: String(first.id) })));
    await expect(addFact(once("a"), harness.owner, { text: "I like coffee." })).rejects.toSatisfy(isDuplicate);
    expect(await textsOf()).toEqual(["I like tea."]);
  });

  test("an edit raises the version, checks the expected one, and refuses what another fact says", async () => {
    const [tea, coffee] = [await add("I like tea."), await add("I like coffee.")];
    const edited = await changeFact(harness.ctx, harness.owner, tea.id, { text: "I like green tea." }, 1);
    expect(edited).toMatchObject({ id: tea.id, text: "I like green tea.", version: 2 });
    const edit = (text: string, version?: number) =>
      outcomeOf(changeFact(harness.ctx, harness.owner, tea.id, { text }, version));
    expect(await edit("I like black tea.", 1)).toBe("precondition_failed");
    expect(await edit("i like coffee")).toBe("conflict");
    expect(await edit("I LIKE GREEN TEA.")).toBe("done");
    expect((await getFact(harness.ctx, harness.owner, coffee.id)).version).toBe(1);
    expect(await outcomeOf(changeFact(harness.ctx, harness.owner, 2_000_000_000, { text: "x" }, undefined))).toBe("not_found");
  });

  test("a deleted fact is gone, and can be stored again", async () => {
    const fact = await add("I like tea.");
    await deleteFact(harness.ctx, harness.owner, fact.id);
    expect(await outcomeOf(getFact(harness.ctx, harness.owner, fact.id))).toBe("not_found");
    expect(await outcomeOf(deleteFact(harness.ctx, harness.owner, fact.id))).toBe("not_found");
    expect((await add("I like tea.")).id).not.toBe(fact.id);
  });

  test("all facts of a minion are deleted at once, and those of its siblings stay", async () => {
    const other = { ...harness.owner, minionId: await insertMinion(harness.database, harness.userId) };
    await storeFact(harness.ctx, other, { text: "I like tea.", source: "owner", message: null });
    await Promise.all(["a", "b", "c"].map((text) => add(text)));
    expect(await deleteFacts(harness.ctx, harness.owner)).toBe(3);
    expect(await deleteFacts(harness.ctx, harness.owner)).toBe(0);
    expect((await listFacts(harness.ctx, other, { limit: 20 })).total).toBe(1);
  });

  test("another user, and a minion in the trash, have no facts to read or to write", async () => {
    const fact = await add("I like tea.");
    const stranger = { ...harness.owner, userId: (await createUser(harness)).id };
    await harness.database.sql("update spirit_minions set deleted_at = now() where id = $1", [harness.owner.minionId]);
    for (const each of [stranger, harness.owner]) {
      const calls = [
        () => listFacts(harness.ctx, each, { limit: 20 }),
        () => getFact(harness.ctx, each, fact.id),
        () => addFact(harness.ctx, each, { text: "x" }),
        () => changeFact(harness.ctx, each, fact.id, { text: "x" }, undefined),
        () => deleteFact(harness.ctx, each, fact.id),
        () => deleteFacts(harness.ctx, each),
        () => changeMemory(harness.ctx, each, { enabled: false }, undefined),
      ];
      for (const call of calls) expect(await outcomeOf(call())).toBe("not_found");
    }
    await harness.database.sql("update spirit_minions set deleted_at = null where id = $1", [harness.owner.minionId]);
    expect(await textsOf()).toEqual(["I like tea."]);
  });

  test("the limit refuses a new fact but returns a known one", async () => {
    await harness.database.sql(
      `insert into memory_facts (user_id, minion_id, text, text_hash, source)
       select $1, $2, 'fact ' || n, 'hash ' || n, 'owner' from generate_series(1, $3::int) n`,
      [harness.owner.userId, harness.owner.minionId, maxFacts - 1],
    );
    await add("The last one");
    expect(await outcomeOf(add("One too many"))).toBe("conflict");
    expect((await add("the last one")).text).toBe("The last one");
    expect((await list()).memory).toMatchObject({ fact_count: maxFacts, max_facts: maxFacts });
  });
});

describe("the message of a fact", () => {
  test("a message of a conversation with the minion is stored with its conversation", async () => {
    harness.rooms["7"] = { conversation_id: 7, minion_id: harness.owner.minionId, temporary: false };
    const { value, trips } = await harness.tripsOf(() => add("I like tea.", messageId(7, 3)));
    expect(value).toMatchObject({ message_id: messageId(7, 3), conversation_id: 7 });
    expect(trips).toBe(1);
  });

  test.each([
    ["that does not exist", messageId(8, 1)],
    ["without a conversation", 5],
    ["beyond the IDs of conversations", Number.MAX_SAFE_INTEGER],
  ])("a message %s is refused", async (_, id) => {
    expect(await outcomeOf(add("I like tea.", id))).toBe("validation_failed");
    expect(await textsOf()).toEqual([]);
  });

  test("a message with another minion, and one of a temporary conversation, are refused", async () => {
    harness.rooms["7"] = { conversation_id: 7, minion_id: harness.owner.minionId + 1, temporary: false };
    harness.rooms["8"] = { conversation_id: 8, minion_id: harness.owner.minionId, temporary: true };
    await expect(add("I like tea.", messageId(7, 1))).rejects.toThrow("a conversation with this minion");
    await expect(add("I like tea.", messageId(8, 1))).rejects.toThrow("temporary conversation");
    expect(await textsOf()).toEqual([]);
  });

  test("a message that only a fork still has is found in the fork", async () => {
    const forked = [harness.owner.userId, harness.owner.minionId, messageId(900_000, 4)];
    const fork = await harness.one(
      "insert into conversations (user_id, minion_id, forked_from_message_id) values ($1, $2, $3) returning id",
      forked,
    );
    const id = Number(fork["id"]);
    harness.rooms[String(id)] = { conversation_id: id, minion_id: harness.owner.minionId, temporary: false };
    expect(await add("I like tea.", messageId(900_000, 3))).toMatchObject({ conversation_id: id });
    expect(await outcomeOf(add("I like coffee.", messageId(900_000, 5)))).toBe("validation_failed");
  });
});

describe("the list of facts", () => {
  test("pages go from the newest to the oldest, with one round trip each", async () => {
    for (const text of ["a", "b", "c", "d", "e"]) await add(text);
    const { value: first, trips } = await harness.tripsOf(() => list({ limit: 2 }));
    expect(trips).toBe(1);
    expect(first).toMatchObject({ total: 5, facts: [{ text: "e" }, { text: "d" }] });
    const second = await list({ limit: 2, cursor: Number(first.next_cursor) });
    expect(second.facts.map(({ text }) => text)).toEqual(["c", "b"]);
    const last = await list({ limit: 2, cursor: Number(second.next_cursor) });
    expect(last).toEqual({ memory: expect.anything(), total: 5, facts: [expect.objectContaining({ text: "a" })] });
  });

  test("a search finds words in other forms, parts of words, accents, codes and Japanese, the best match first", async () => {
    const texts = [
      "My daughter plays the piano.",
      "I cannot eat nuts: I am allergic to nuts.",
      "The Zürich office is in Bahnhofstraße.",
      "My licence is ERR-4031.",
      "娘は東京の大学に通っています。",
      "I was allergic once.",
    ];
    for (const text of texts) await add(text);
    expect(await textsOf({ q: "daughters" })).toEqual([texts[0]]);
    expect(await textsOf({ q: "nut allergic" })).toEqual([texts[1], texts[5]]);
    expect(await textsOf({ q: "zurich" })).toEqual([texts[2]]);
    expect(await textsOf({ q: "4031" })).toEqual([texts[3]]);
    expect(await textsOf({ q: "東京" })).toEqual([texts[4]]);
    expect(await textsOf({ q: "bahnhof" })).toEqual([texts[2]]);
    expect(await textsOf({ q: "%" })).toEqual([]);
  });

  test("a search has pages", async () => {
    for (let index = 0; index < 5; index += 1) await add(`Tea number ${index}`);
    const first = await list({ q: "tea", limit: 2 });
    expect(first).toMatchObject({ total: 5, next_cursor: "2", facts: [{}, {}] });
    const second = await list({ q: "tea", limit: 2, cursor: 2 });
    const third = await list({ q: "tea", limit: 2, cursor: 4 });
    expect(third.next_cursor).toBeUndefined();
    const ids = [first, second, third].flatMap(({ facts }) => facts.map(({ id }) => id));
    expect(new Set(ids).size).toBe(5);
  });
});

describe("turning a memory off", () => {
  test("a memory is on until it is turned off, and off it keeps its facts and stores none", async () => {
    const fact = await add("I like tea.");
    expect((await list()).memory).toEqual({ enabled: true, version: 1, updated_at: null, fact_count: 1, max_facts: maxFacts });
    await harness.events.settled();
    harness.sent = [];
    const { value: off, trips } = await harness.tripsOf(() => changeMemory(harness.ctx, harness.owner, { enabled: false }, 1));
    expect(trips).toBe(1);
    expect(off).toMatchObject({ enabled: false, version: 2, updated_at: expect.any(Date), fact_count: 1 });
    await harness.events.settled();
    expect(harness.sent).toContainEqual({ type: "memory_changed", minion_id: harness.owner.minionId, fact_id: null });
    expect(await outcomeOf(add("I like coffee."))).toBe("conflict");
    expect(await outcomeOf(changeFact(harness.ctx, harness.owner, fact.id, { text: "I like green tea." }, undefined))).toBe(
      "done",
    );
    expect(await outcomeOf(changeMemory(harness.ctx, harness.owner, { enabled: true }, 1))).toBe("precondition_failed");
    expect(await changeMemory(harness.ctx, harness.owner, { enabled: true }, 2)).toMatchObject({ enabled: true, version: 3 });
    await add("I like coffee.");
  });
});

test("the log has each change and refusal, and no text", async () => {
  const readLines = overhearLog();
  const fact = await add("I like tea.");
  await changeFact(harness.ctx, harness.owner, fact.id, { text: "I like green tea." }, undefined);
  await outcomeOf(deleteFact(harness.ctx, harness.owner, 2_000_000_000));
  await deleteFacts(harness.ctx, harness.owner);
  const lines = readLines();
  const events = lines.filter(({ event }) => event === "memory");
  expect(events.map(({ name, outcome, error_code }) => [name, outcome, error_code])).toEqual([
    ["add", "ok", undefined],
    ["edit", "ok", undefined],
    ["delete", "refused", "not_found"],
    ["delete_all", "ok", undefined],
  ]);
  expect(JSON.stringify(lines)).not.toContain("tea");
});
