import * as fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { toMessageId } from "../../../src/chat/constants.ts";
import { projectRemoval, projectTurn } from "../../../src/chat/sync/write-to-postgres.ts";
import { matchesSearch, readWebSearch } from "../../../src/chat/queries.ts";
import { enqueueMessageIndexing, indexOlderMessages } from "../../../src/chat/sync/index-messages.ts";
import { conversations } from "../../../src/chat/tables.ts";
import { ConversationsQuery } from "../../../src/chat/schemas.ts";
import { listConversations } from "../../../src/chat/conversations/service.ts";
import { insertMinion } from "../../minions/support/minions.ts";
import { hardTexts, searchText } from "../../support/arbitrary-text.ts";
import { createUser } from "../../support/users.ts";
import { insertConversation, turnOf, useChatHarness } from "../support/conversations.ts";

const harness = useChatHarness();

const list = (query: Record<string, string> = {}, userId = harness.userId) =>
  listConversations(harness.ctx, userId, ConversationsQuery.parse(query));
const find = async (q: string) => {
  const { conversations: found, total } = await list({ q });
  expect(total).toBe(found.length);
  return found.map(({ title, snippet }) => [title, snippet]);
};

async function conversation(title: string, ...turns: [says: string, answers: string][]): Promise<number> {
  const id = await insertConversation(harness, { title, is_title_own: true });
  for (const [index, [says, answers]] of turns.entries()) {
    await projectTurn(harness.ctx, turnOf(harness, id, { turn: index + 1, question: says, answer: answers }));
  }
  return id;
}

describe("the list of conversations", () => {
  test("the list is sorted by last activity and makes one round trip", async () => {
    const [first, second, third] = [await conversation("a"), await conversation("b"), await conversation("c")];
    await harness.database.sql("update conversations set created_at = '2026-11-01' where user_id = $1", [harness.userId]);
    await projectTurn(harness.ctx, turnOf(harness, second));
    const { value, trips } = await harness.tripsOf(() => list());
    expect([value.conversations.map(({ id }) => id), value.total, trips]).toEqual([[second, third, first], 3, 1]);
    expect(value).not.toHaveProperty("next_cursor");
    expect(value.conversations[0]).toMatchObject({ message_count: 2, snippet: null });
    expect(await list({}, (await createUser(harness)).id)).toEqual({ conversations: [], total: 0 });
  });

  test("the pages contain each conversation once, also with equal timestamps", async () => {
    const ids: number[] = [];
    for (let made = 0; made < 7; made += 1) ids.push(await insertConversation(harness));
    await harness.database.sql(
      `update conversations set created_at = '2026-11-01 10:00:00.123456+00', last_message_at = case when id % 2 = 0
       then timestamptz '2026-11-01 10:00:00.123457+00' end where user_id = $1`,
      [harness.userId],
    );
    const order = [
      ...ids.filter((id) => id % 2 === 0).sort((a, b) => b - a),
      ...ids.filter((id) => id % 2 === 1).sort((a, b) => b - a),
    ];
    const seen: number[] = [];
    for (let cursor: string | undefined = "first"; cursor !== undefined;) {
      const page = await list({ limit: "2", ...(cursor === "first" ? {} : { cursor }) });
      expect(page.total).toBe(7);
      seen.push(...page.conversations.map(({ id }) => id));
      cursor = page.next_cursor;
    }
    expect(seen).toEqual(order);
  });

  test("the list can be filtered by minion", async () => {
    const other = await insertMinion(harness.database, harness.userId);
    const id = await insertConversation(harness, { minion_id: other });
    await insertConversation(harness);
    const { conversations: found, total } = await list({ minion_id: String(other) });
    expect([found.map((each) => each.id), total]).toEqual([[id], 1]);
  });

  test("an invalid cursor, limit or query is refused", () => {
    const faulty = [
      { cursor: "x" },
      { cursor: "1-2-3" },
      { cursor: "-1" },
      { cursor: "1-99999999999" },
      { limit: "0" },
      { limit: "101" },
      { q: " " },
      { q: "x".repeat(201) },
      { minion_id: "x" },
    ];
    for (const query of faulty) expect(ConversationsQuery.safeParse(query).success, JSON.stringify(query)).toBe(false);
  });

  test("a cursor that was never issued starts there", async () => {
    await insertConversation(harness);
    expect((await list({ cursor: `${"9".repeat(17)}-1` })).conversations).toHaveLength(1);
    expect((await list({ cursor: "0-1" })).conversations).toHaveLength(0);
  });
});

describe("conversation search", () => {
  beforeEach(async () => {
    await conversation("Birds of prey", ["What do they eat?", "Mostly small mammals."]);
    await conversation(
      "Cooking",
      ["How long do I boil an egg?", "Seven minutes, in water that is boiling already."],
      ["And a quail's?", "Two and a half minutes: quails lay small eggs, which are boiled quickly."],
    );
    await conversation("Holidays", ["Where can I swim?", "In the lake, where small boats are rented."]);
  });

  test("a search matches titles and messages in one round trip and returns the best excerpt", async () => {
    expect(await find("mammals")).toEqual([["Birds of prey", "Mostly small mammals"]]);
    expect(await find("bird")).toEqual([["Birds of prey", null]]);
    const { value, trips } = await harness.tripsOf(() => find("boiling eggs"));
    expect(trips).toBe(1);
    expect(value).toEqual([["Cooking", expect.stringContaining("boil an egg")]]);
  });

  test("a search supports phrases, or, and exclusion", async () => {
    const titles = async (q: string) => (await find(q)).map(([title]) => String(title)).sort((a, b) => a.localeCompare(b));
    expect(await titles("small")).toEqual(["Birds of prey", "Cooking", "Holidays"]);
    expect(await titles('"small mammals"')).toEqual(["Birds of prey"]);
    expect(await titles('"mammals small"')).toEqual([]);
    expect(await titles("mammals or lake")).toEqual(["Birds of prey", "Holidays"]);
    expect(await titles("small -boats -mammals")).toEqual(["Cooking"]);
  });

  test("a search without words returns nothing", async () => {
    for (const q of ["the", "!!", "'", '"', "a & | b", "\\", ":*", "<->", "%", "-"]) expect(await find(q), q).toEqual([]);
  });

  test("no text makes the search fail", async () => {
    for (const q of hardTexts) await find(q);
    const property = fc.asyncProperty(searchText, async (q) => {
      const query = ConversationsQuery.safeParse({ q: q.replaceAll("\0", "") });
      if (query.success) await listConversations(harness.ctx, harness.userId, query.data);
    });
    expect(await fc.check(property, { numRuns: 150 })).toMatchObject({ failed: false });
  });

  test("a search covers only the user's own conversations and visible messages", async () => {
    const { conversations: found } = await list({ q: "lake" }, (await createUser(harness)).id);
    expect(found).toEqual([]);
    const [{ id } = { id: 0 }] = (await list({ q: "lake" })).conversations;
    const of = { conversation_id: id, user_id: harness.userId, minion_id: harness.minionId };
    await projectRemoval(harness.ctx, { ...of, from_message_id: toMessageId(id, 2), message_count: 1 });
    expect([await find("lake"), await find("swim")]).toEqual([[], [["Holidays", "Where can I swim"]]]);
  });

  test("a search reads only the indexed part of a long text and returns a plain excerpt", async () => {
    const long = `${"filler ".repeat(1_000)}the <b>needle</b> of it ${"padding ".repeat(24_000)} thread`;
    await conversation("Long", ["?", long]);
    const [[, snippet] = []] = await find("needle");
    expect(String(snippet).length).toBeLessThan(300);
    expect(snippet).toMatch(/filler the\s+needle\s+of it padding/);
    expect(snippet).not.toContain("<");
    expect(await find("thread")).toEqual([]);
  });

  test("a search uses the full text indexes, however many messages there are", async () => {
    await harness.database.sql(
      `insert into messages (id, conversation_id, user_id, role, status, text, body, created_at, terms)
       select c.id::bigint * 1048576 + 1000 + n, c.id, c.user_id, 'user', 'complete', 'one of many ' || n, '{}', now(), to_tsvector('simple', 'one of many ' || n)
       from conversations c, generate_series(1, 20000) n where c.user_id = $1`,
      [harness.userId],
    );
    await harness.database.sql("analyze messages");
    await harness.database.sql("set enable_seqscan = off");
    const search = await readWebSearch("mammals");
    const { sql, params } = harness.ctx.db
      .select({ id: conversations.id })
      .from(conversations)
      .where(matchesSearch(harness.userId, search))
      .toSQL();
    const plan = JSON.stringify(await harness.database.sql(`explain ${sql}`, params));
    expect(plan).toContain("messages_by_terms");
    expect(plan).toMatch(/messages_by_words|messages_without_terms/);
  });
});

describe("conversation search in any language", () => {
  const titles = async (q: string) => (await find(q)).map(([title]) => String(title)).sort((a, b) => a.localeCompare(b));

  beforeEach(async () => {
    await conversation("Wohnung", [
      "Wie lang ist die Kündigungsfrist?",
      "Für Mietverträge sind es drei Monate, und das ist die Regel.",
    ]);
    await conversation("東京の生活", ["ごみはいつ出しますか。", "東京都では、ごみを出す曜日が地区ごとに決められています。"]);
    await conversation("Drucker", [
      "What does ERR-4031 mean?",
      "The license of the printer has expired, says the WHO of printers.",
    ]);
    await conversation("Страховка", ["Что покрывает страховка?", "Расходы на лечение за границей."]);
    await conversation("Bewerbung", ["Wo ist mein Résumé?", "🎉 Es ist schon da, mit den anderen."]);
  });

  test.each([
    ["Frist", "Wohnung"],
    ["Kuendigungsfrist", "Wohnung"],
    ["Mietvertrag", "Wohnung"],
    ["die Mietverträge", "Wohnung"],
    ["東京都", "東京の生活"],
    ['"ごみを出す曜日"', "東京の生活"],
    ["生活", "東京の生活"],
    ["4031", "Drucker"],
    ['"does ERR-4031 mean"', "Drucker"],
    ["WHO", "Drucker"],
    ["страховки", "Страховка"],
    ["resume", "Bewerbung"],
    ["🎉", "Bewerbung"],
    ["ごみ -天気", "東京の生活"],
  ])("%s finds the conversation %s", async (q, title) => {
    expect(await titles(q)).toEqual([title]);
  });

  test("a phrase needs its words in their order", async () => {
    expect(await titles('"曜日を出す"')).toEqual([]);
    expect(await titles('"Monate drei"')).toEqual([]);
    expect(await titles('"drei Monate" or "лечение за границей"')).toEqual(["Wohnung", "Страховка"]);
  });
});

describe("messages without terms", () => {
  const older = () => harness.database.sql("update messages set terms = null where user_id = $1", [harness.userId]);
  const without = () => harness.database.sql("select id from messages where terms is null and user_id = $1", [harness.userId]);
  const enqueued = () => harness.database.sql("select name from outbox where name = 'index-messages'");

  test("they are found as before, beside those that have terms", async () => {
    await conversation("Old", ["Where do otters sleep?", "They sleep in the water, on their backs."]);
    await older();
    await conversation("New", ["Do otters eat?", "They eat sea urchins."]);
    expect((await find("otter")).map(([title]) => title)).toEqual(["New", "Old"]);
    expect((await find('"sleep in the water"')).map(([title]) => title)).toEqual(["Old"]);
  });

  test("a job gives them terms, once, and they are found in any language", async () => {
    await conversation("東京", ["天気は？", "明日の京都は雨が降るでしょう。"]);
    const before = await harness.database.sql("select id, terms from messages where user_id = $1 order by id", [
      harness.userId,
    ]);
    await older();
    expect(await find("京都")).toEqual([]);
    await enqueueMessageIndexing(harness.ctx);
    await enqueueMessageIndexing(harness.ctx);
    expect(await enqueued()).toHaveLength(1);
    await harness.work();
    expect(await without()).toEqual([]);
    expect(await enqueued()).toEqual([]);
    expect(
      await harness.database.sql("select id, terms from messages where user_id = $1 order by id", [harness.userId]),
    ).toEqual(before);
    expect((await find("京都")).map(([title]) => title)).toEqual(["東京"]);
    await enqueueMessageIndexing(harness.ctx);
    expect(await enqueued()).toEqual([]);
  });

  test("a slice whose time is over enqueues the next job", async () => {
    await conversation("Otters", ["Do otters eat?", "They eat sea urchins."], ["And sleep?", "They sleep on their backs."]);
    await older();
    await indexOlderMessages(harness.ctx, { ms: 0, messages: 3, characters: 1_000 });
    expect(await without()).toHaveLength(1);
    expect(await enqueued()).toHaveLength(1);
    await harness.work();
    expect(await without()).toEqual([]);
  });

  test("a removed message has no terms, and is not indexed again", async () => {
    const id = await conversation("Otters", ["Do otters eat?", "They eat sea urchins."]);
    await older();
    const of = { conversation_id: id, user_id: harness.userId, minion_id: harness.minionId };
    await projectRemoval(harness.ctx, { ...of, from_message_id: toMessageId(id, 1), message_count: 0 });
    expect(await without()).toEqual([]);
    expect(await find("otters")).toEqual([["Otters", null]]);
  });
});
