import { describe, expect, test } from "vitest";
import { toMessageId } from "../../../src/chat/constants.ts";
import { projectChange, projectRemoval, projectTurn } from "../../../src/chat/sync/write-to-postgres.ts";
import { grantSpirits, spirits } from "../../minions/support/minions.ts";
import { callOf, insertConversation, messageOf, turnOf, useChatHarness } from "../support/conversations.ts";

const harness = useChatHarness();

const experience = () =>
  harness.database.sql("select source_type, xp, reason from xp_events where minion_id = $1 order by id", [harness.minionId]);
const gained = async () =>
  Number((await harness.one("select total_usage_xp from spirit_minions where id = $1", [harness.minionId]))["total_usage_xp"]);
const calls = () => harness.database.sql("select * from model_calls where minion_id = $1 order by id", [harness.minionId]);
const stored = (conversationId: number) =>
  harness.database.sql("select * from messages where conversation_id = $1 order by id", [conversationId]);
const listed = (id: number) => harness.one("select * from conversations where id = $1", [id]);

/** Equips a spirit with a tool that runs. */
async function equip(spiritId: number): Promise<{ spirit_id: number; tool_id: number }> {
  await grantSpirits(harness.database, harness.userId, [spiritId]);
  await harness.database.sql(
    `insert into minion_spirits (minion_id, spirit_id, position)
     select $1, $2, coalesce(max(position), 0) + 1 from minion_spirits where minion_id = $1`,
    [harness.minionId, spiritId],
  );
  const [tool] = await harness.database.sql("select tool_id from spirit_tools where spirit_id = $1 limit 1", [spiritId]);
  return { spirit_id: spiritId, tool_id: Number(tool!["tool_id"]) };
}

const spiritExperience = async () =>
  Object.fromEntries(
    (
      await harness.database.sql("select spirit_id, experience from minion_spirits where minion_id = $1", [harness.minionId])
    ).map(({ spirit_id, experience: xp }) => [spirit_id, xp]),
  );

describe("writing a finished turn", () => {
  test("messages, usage and experience are written in one round trip", async () => {
    const id = await insertConversation(harness);
    const turn = turnOf(harness, id, { has_retrieved: true, calls: [callOf(), callOf({ record: { output_tokens: 7 } })] });
    const { value, trips } = await harness.tripsOf(() => projectTurn(harness.ctx, turn));
    expect([value, trips]).toEqual(["done", 1]);
    expect(await stored(id)).toMatchObject([
      { id: String(toMessageId(id, 1)), role: "user", status: "complete", text: "How do eagles fly?", user_id: harness.userId },
      { id: String(toMessageId(id, 2)), role: "assistant", text: "They soar.", body: { parts: [{ text: "They soar." }] } },
    ]);
    expect(await listed(id)).toMatchObject({
      title: "Eagles",
      message_count: 2,
      last_message_at: new Date(turn.messages[1].completed_at!),
      version: 1,
    });
    expect(await calls()).toMatchObject([
      { user_id: harness.userId, purpose: "chat", provider: "groq", input_tokens: 100, output_tokens: 20 },
      { output_tokens: 7 },
    ]);
    expect(await experience()).toEqual([
      { source_type: "message", xp: 5, reason: "A turn was completed" },
      { source_type: "retrieval", xp: 3, reason: "Knowledge was used" },
    ]);
    expect(await gained()).toBe(8);
  });

  test("a turn that is delivered twice, even concurrently, is written once", async () => {
    const id = await insertConversation(harness);
    const run = { ...(await equip(spirits.writer)), run: `${id}:call-1` };
    const turn = turnOf(harness, id, { tool_runs: [run] });
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => projectTurn(harness.ctx, turn)));
    expect(outcomes).toEqual(Array(5).fill("done"));
    await projectTurn(harness.ctx, { ...turn, title: "Another", message_count: 99 });
    expect(await listed(id)).toMatchObject({ title: "Eagles", message_count: 2 });
    expect([(await stored(id)).length, (await calls()).length, await gained()]).toEqual([2, 1, 15]);
    expect(await spiritExperience()).toEqual({ [spirits.writer]: 10 });
    const mastery = await harness.database.sql("select uses from spirit_mastery where minion_id = $1", [harness.minionId]);
    expect(mastery).toEqual([{ uses: 1 }]);
  });

  test("a title by the owner is kept, and a missing generated title changes nothing", async () => {
    const own = await insertConversation(harness, { title: "Mine", is_title_own: true });
    await projectTurn(harness.ctx, turnOf(harness, own));
    expect(await listed(own)).toMatchObject({ title: "Mine", message_count: 2 });
    const made = await insertConversation(harness, { title: "Made" });
    await projectTurn(harness.ctx, { ...turnOf(harness, made), title: "" });
    expect(await listed(made)).toMatchObject({ title: "Made" });
    await projectTurn(harness.ctx, { ...turnOf(harness, made, { turn: 2 }), title: "é".repeat(500) });
    expect(await listed(made)).toMatchObject({ title: "é".repeat(120) });
  });

  test.each(["stopped", "failed"] as const)(
    "a %s turn gives experience only for its tool runs, and its usage is billed",
    async (outcome) => {
      const id = await insertConversation(harness);
      const run = { ...(await equip(spirits.writer)), run: `${id}:call-1` };
      const record = { outcome, error_code: outcome === "failed" ? ("provider_unavailable" as const) : null };
      const turn = turnOf(harness, id, { outcome, has_retrieved: true, tool_runs: [run], calls: [callOf({ record })] });
      expect(await projectTurn(harness.ctx, turn)).toBe("done");
      expect(await experience()).toEqual([{ source_type: "tool_run", xp: 10, reason: "A tool was used with success" }]);
      expect(await calls()).toMatchObject([{ outcome, input_tokens: 100 }]);
      expect((await stored(id)).map(({ status }) => status)).toEqual(["complete", outcome]);
    },
  );

  test("experience is capped by the daily limit, and everything else is written", async () => {
    await harness.database.sql(
      `insert into xp_events (minion_id, kind, xp, xp_before, reason, source_type, source_id)
       values ($1, 'usage', 494, 0, 'before', 'test', $2)`,
      [harness.minionId, `cap:${harness.minionId}`],
    );
    const id = await insertConversation(harness);
    const run = { ...(await equip(spirits.writer)), run: `${id}:call-1` };
    await projectTurn(harness.ctx, turnOf(harness, id, { has_retrieved: true, tool_runs: [run] }));
    expect((await experience()).map(({ source_type, xp }) => [source_type, xp])).toEqual([
      ["test", 494],
      ["message", 5],
      ["retrieval", 1],
      ["tool_run", 0],
    ]);
    expect([await gained(), await spiritExperience()]).toEqual([6, { [spirits.writer]: 10 }]);
  });

  test("a turn of a deleted conversation, minion or owner is dropped completely", async () => {
    const [deleted, orphan] = [await insertConversation(harness), await insertConversation(harness)];
    await harness.database.sql("delete from conversations where id = $1", [deleted]);
    expect(await projectTurn(harness.ctx, turnOf(harness, deleted))).toBe("gone");
    expect(await experience()).toEqual([]);
    await harness.database.sql("delete from spirit_minions where id = $1", [harness.minionId]);
    expect(await projectTurn(harness.ctx, turnOf(harness, orphan))).toBe("gone");
    await harness.database.sql("delete from users where id = $1", [harness.userId]);
    expect(await projectTurn(harness.ctx, turnOf(harness, orphan))).toBe("gone");
    expect([await calls(), await stored(orphan)]).toEqual([[], []]);
  });

  test("a turn of another user's conversation is dropped", async () => {
    const id = await insertConversation(harness);
    expect(await projectTurn(harness.ctx, { ...turnOf(harness, id), user_id: 2_000_000_000 })).toBe("gone");
    expect(await stored(id)).toEqual([]);
  });

  test("any characters of a model or a tool can be written", async () => {
    const id = await insertConversation(harness);
    const turn = turnOf(harness, id, { answer: "half \ud83d of it\u0000." });
    turn.messages[1].tools.push({
      call_id: "c\u0000",
      tool: "search",
      input: { ["k\u0000"]: ["\udc00"] },
      status: "complete",
      output: "\u0000",
      duration_ms: 3,
    });
    expect(await projectTurn(harness.ctx, { ...turn, title: `${"x".repeat(119)}😀` })).toBe("done");
    const [, answer] = await stored(id);
    expect(answer).toMatchObject({
      text: "half \ufffd of it.",
      body: { tools: [{ call_id: "c", input: { k: ["\ufffd"] }, output: "" }] },
    });
  });

  test("the usage of a deleted model is billed", async () => {
    const id = await insertConversation(harness);
    const call = callOf({ external_model_id: 2_000_000_000, key_ref: "gone" });
    expect(await projectTurn(harness.ctx, turnOf(harness, id, { calls: [call] }))).toBe("done");
    expect(await calls()).toMatchObject([{ external_model_id: null, input_tokens: 100 }]);
  });

  test("a rejected key marks its model, and a working key clears the mark", async () => {
    const { id: model } = await harness.one(
      `insert into external_models (user_id, name, display_name, provider, model_id, key_sealed, key_ref, key_last_four)
       values ($1, 'm', 'm', 'groq', 'llama', 'sealed', 'ref-1', '') returning id`,
      [harness.userId],
    );
    const id = await insertConversation(harness);
    const projectAgain = (turn: number, call: Parameters<typeof callOf>[0]) =>
      projectTurn(harness.ctx, turnOf(harness, id, { turn, calls: [callOf({ external_model_id: Number(model), ...call })] }));
    const isMarked = async () =>
      (await harness.one("select key_rejected_at from external_models where id = $1", [model]))["key_rejected_at"] !== null;
    const failed = { outcome: "failed", error_code: "provider_unavailable" } as const;
    await projectAgain(1, { key_ref: "ref-1", is_key_rejected: true, record: failed });
    expect(await isMarked()).toBe(true);
    await projectAgain(2, { key_ref: "ref-1", record: failed });
    expect(await isMarked()).toBe(true);
    await projectAgain(3, { key_ref: "ref-0" });
    expect(await isMarked()).toBe(true);
    await projectAgain(4, { key_ref: "ref-1" });
    expect(await isMarked()).toBe(false);
  });
});

describe("writing a change of a message", () => {
  async function answered(given: Parameters<typeof turnOf>[2] = {}) {
    const id = await insertConversation(harness);
    const turn = turnOf(harness, id, given);
    await projectTurn(harness.ctx, turn);
    const of = { conversation_id: id, user_id: harness.userId, minion_id: harness.minionId };
    return { id, of, answer: turn.messages[1], turn };
  }

  test("a change is written in one round trip and gives no experience", async () => {
    const { id, of, answer } = await answered();
    const feedback = { rating: "down" as const, comment: "They flap." };
    const change = { ...of, message: { ...answer, feedback } };
    const { value, trips } = await harness.tripsOf(() => projectChange(harness.ctx, change));
    expect([value, trips, await gained()]).toEqual(["done", 1, 5]);
    expect((await stored(id))[1]).toMatchObject({ text: "They soar.", body: { feedback, confirmed: null } });
  });

  test("a confirmed task gives 25 experience once, also to the spirits that helped", async () => {
    await equip(spirits.analyst);
    const run = { ...(await equip(spirits.writer)), run: crypto.randomUUID() };
    const { of, answer } = await answered({ tool_runs: [run] });
    const message = { ...answer, confirmed: "task" as const };
    for (const feedback of [null, { rating: "up" as const, comment: "" }]) {
      expect(await projectChange(harness.ctx, { ...of, message: { ...message, feedback } })).toBe("done");
    }
    expect((await experience()).at(-1)).toEqual({ source_type: "confirmation", xp: 25, reason: "A task was confirmed" });
    expect(await gained()).toBe(5 + 10 + 25);
    expect(await spiritExperience()).toEqual({ [spirits.analyst]: 0, [spirits.writer]: 10 + 25 });
  });

  test("a resolved error gives 15 experience to the spirits that helped, and none to the minion", async () => {
    const run = { ...(await equip(spirits.writer)), run: crypto.randomUUID() };
    const { of, answer } = await answered({ tool_runs: [run] });
    await projectChange(harness.ctx, { ...of, message: { ...answer, confirmed: "error" } });
    expect([await gained(), await spiritExperience()]).toEqual([15, { [spirits.writer]: 10 + 15 }]);
    await projectChange(harness.ctx, { ...of, message: { ...answer, confirmed: "task" } });
    expect([await gained(), await spiritExperience()]).toEqual([15, { [spirits.writer]: 10 + 15 }]);
  });

  test("a change is retried until its turn is written, and dropped if the conversation is deleted", async () => {
    const { id, of, answer } = await answered();
    const later = { ...of, message: messageOf(id, 4, { confirmed: "task" }) };
    await expect(projectChange(harness.ctx, later)).rejects.toThrow("message_not_written");
    expect(await gained()).toBe(5);
    await harness.database.sql("delete from conversations where id = $1", [id]);
    expect(await projectChange(harness.ctx, { ...of, message: answer })).toBe("gone");
    expect(await projectRemoval(harness.ctx, { ...of, from_message_id: answer.id, message_count: 1 })).toBe("gone");
  });

  test("a change in a fork does not affect the source conversation", async () => {
    const { of, answer, id } = await answered();
    const fork = { ...of, conversation_id: await insertConversation(harness, { forked_from_message_id: answer.id }) };
    const message = { ...answer, confirmed: "task" as const };
    expect(await projectChange(harness.ctx, { ...fork, message })).toBe("done");
    expect([await gained(), (await stored(id))[1]]).toMatchObject([30, { body: { confirmed: null } }]);
    await harness.database.sql("delete from conversations where id = $1", [id]);
    expect(await projectChange(harness.ctx, { ...fork, message })).toBe("done");
    expect(await gained()).toBe(30);
  });

  test("an answer that a fork regenerates is written without the question of the source conversation", async () => {
    const { id, turn } = await answered();
    const fork = await insertConversation(harness, { forked_from_message_id: turn.messages[0].id });
    const anew = {
      ...turnOf(harness, fork),
      messages: [{ ...turn.messages[0], conversation_id: fork }, messageOf(fork, 1)] as const,
    };
    expect(await projectTurn(harness.ctx, anew)).toBe("done");
    expect([(await stored(fork)).length, (await stored(id)).length]).toEqual([1, 2]);
    await harness.database.sql("delete from conversations where id = $1", [id]);
    const third = { ...anew, messages: [anew.messages[0], messageOf(fork, 2)] as const };
    expect([await projectTurn(harness.ctx, third), (await stored(fork)).length]).toEqual(["done", 2]);
  });

  test("a removed message is emptied, and a late write does not restore it", async () => {
    const { id, of, turn } = await answered();
    const second = turnOf(harness, id, { turn: 2 });
    await projectTurn(harness.ctx, second);
    const removal = { ...of, from_message_id: second.messages[0].id, message_count: 2 };
    const { value, trips } = await harness.tripsOf(() => projectRemoval(harness.ctx, removal));
    expect([value, trips]).toEqual(["done", 1]);
    expect(await projectTurn(harness.ctx, second)).toBe("done");
    expect(await projectChange(harness.ctx, { ...of, message: { ...second.messages[1], confirmed: null } })).toBe("done");
    const rows = await stored(id);
    expect(rows.map(({ text, body, removed_at }) => [text, body === null, removed_at === null])).toEqual([
      [turn.messages[0].text, false, true],
      ["They soar.", false, true],
      ["", true, false],
      ["", true, false],
    ]);
    expect(await listed(id)).toMatchObject({ message_count: 2 });
    expect([(await calls()).length, await gained()]).toEqual([2, 10]);
  });
});
