import { describe, expect, test } from "vitest";
import { maxConversations, messageIdOf } from "../../../src/chat/constants.ts";
import { eraseUser, exportUser, ownsResource } from "../../../src/chat/hooks.ts";
import { projectRemoval, projectTurn } from "../../../src/chat/sync/write-to-postgres.ts";
import {
  changeConversation,
  createConversation,
  deleteConversation,
  conversationWith,
  directConversation,
  getConversation,
} from "../../../src/chat/conversations/service.ts";
import { forkConversation, recallFork } from "../../../src/chat/conversations/fork.ts";
import { commit } from "../../../src/kit/db/client.ts";
import { AppError } from "../../../src/kit/errors.ts";
import { claimKey } from "../../../src/kit/db/idempotency.ts";
import { sweepOutbox } from "../../../src/kit/queue/outbox.ts";
import { emptyBin } from "../../../src/minions/service.ts";
import { insertMinion, outcomeOf, tally } from "../../minions/support/minions.ts";
import { makePerson } from "../../support/users.ts";
import { useDesk } from "../support/service-harness.ts";

const desk = useDesk();
const stranger = async () => (await makePerson(desk)).id;
const count = async () =>
  Number((await desk.one("select count(*) from conversations where user_id = $1", [desk.userId]))["count"]);

describe("a conversation", () => {
  test("is begun with a minion in one round trip, with a title or without", async () => {
    const { value, trips } = await desk.tripsOf(() => createConversation(desk.ctx, desk.userId, desk.minionId));
    expect(trips).toBe(1);
    expect(value).toEqual({
      id: value.id,
      minion_id: desk.minionId,
      kind: "chat",
      title: "",
      pinned_facts: [],
      forked_from_message_id: null,
      message_count: 0,
      last_message_at: null,
      version: 1,
      created_at: expect.any(Date),
      updated_at: expect.any(Date),
    });
    const titled = await createConversation(desk.ctx, desk.userId, desk.minionId, { title: "Eagles" });
    expect(await getConversation(desk.ctx, desk.userId, titled.id)).toEqual({ ...titled, title: "Eagles" });
    await projectTurn(desk.ctx, { ...desk.turn(titled.id), title: "Made of the turn" });
    expect((await getConversation(desk.ctx, desk.userId, titled.id)).title).toBe("Eagles");
  });

  test("is begun with a minion of one's own that is not in the bin", async () => {
    const begin = (userId: number, minionId: number) => outcomeOf(createConversation(desk.ctx, userId, minionId));
    expect(await begin(await stranger(), desk.minionId)).toBe("not_found");
    expect(await begin(desk.userId, 2_000_000_000)).toBe("not_found");
    const binned = await insertMinion(desk.database, desk.userId, { deleted_at: new Date() });
    expect(await begin(desk.userId, binned)).toBe("not_found");
    expect(await count()).toBe(0);
  });

  test("that is asked for twice under one key is one", async () => {
    const given = { userId: desk.userId, key: "k", fingerprint: "f" };
    const begin = () =>
      createConversation(desk.ctx.claiming(claimKey(desk.ctx, given)), desk.userId, desk.minionId).then(
        () => "made",
        () => "taken",
      );
    expect(tally(await Promise.all([begin(), begin(), begin()]))).toEqual({ made: 1, taken: 2 });
    expect(await count()).toBe(1);
  });

  test("is one of so many", async () => {
    await desk.database.sql("insert into conversations (user_id, minion_id) select $1, $2 from generate_series(1, $3::int)", [
      desk.userId,
      desk.minionId,
      maxConversations - 2,
    ]);
    const begin = () => outcomeOf(createConversation(desk.ctx, desk.userId, desk.minionId));
    expect(tally(await Promise.all([begin(), begin(), begin(), begin()]))).toEqual({ done: 2, conflict: 2 });
    const direct = () => outcomeOf(directConversation(desk.ctx, desk.userId, desk.minionId));
    expect([await direct(), await count()]).toEqual(["conflict", maxConversations]);
    await desk.database.sql(
      "update conversations set kind = 'direct' where id = (select min(id) from conversations where user_id = $1)",
      [desk.userId],
    );
    expect(await direct()).toBe("done");
  });

  test("for programs is one a minion, made when it is first asked for", async () => {
    const { value, trips } = await desk.tripsOf(() => directConversation(desk.ctx, desk.userId, desk.minionId));
    expect([value.conversation.kind, value.minion.id, trips]).toEqual(["direct", desk.minionId, 1]);
    const again = await Promise.all([1, 2, 3].map(() => directConversation(desk.ctx, desk.userId, desk.minionId)));
    expect(again).toEqual([value, value, value]);
    const other = await directConversation(desk.ctx, desk.userId, await insertMinion(desk.database, desk.userId));
    expect(other.conversation.id).not.toBe(value.conversation.id);
    expect(await outcomeOf(directConversation(desk.ctx, await stranger(), desk.minionId))).toBe("not_found");
  });

  test("is gone on with by its owner, with its own minion, in one round trip", async () => {
    const id = await desk.conversation();
    const { value, trips } = await desk.tripsOf(() => conversationWith(desk.ctx, desk.userId, desk.minionId, id));
    expect([value.conversation.id, value.minion.id, trips]).toEqual([id, desk.minionId, 1]);
    const another = await insertMinion(desk.database, desk.userId);
    const refused = [
      conversationWith(desk.ctx, desk.userId, another, id),
      conversationWith(desk.ctx, desk.userId, desk.minionId, id + 1_000),
      conversationWith(desk.ctx, await stranger(), desk.minionId, id),
    ];
    expect(await Promise.all(refused.map(outcomeOf))).toEqual(["not_found", "not_found", "not_found"]);
  });

  test("is its owner's alone", async () => {
    const id = await desk.conversation();
    const other = await stranger();
    expect(await outcomeOf(getConversation(desk.ctx, other, id))).toBe("not_found");
    expect(await outcomeOf(changeConversation(desk.ctx, other, id, { title: "Mine" }, undefined))).toBe("not_found");
    expect(await outcomeOf(deleteConversation(desk.ctx, other, id))).toBe("not_found");
    const owns = (userId: number, resource: string) => ownsResource(desk.ctx, userId, resource);
    expect(await Promise.all([owns(desk.userId, `conversation:${id}`), owns(other, `conversation:${id}`)])).toEqual([
      true,
      false,
    ]);
    for (const resource of ["me", "conversation:", "conversation:x", "conversation:0", `training-job:${id}`]) {
      expect(owns(desk.userId, resource), resource).toBeUndefined();
    }
    expect(await getConversation(desk.ctx, desk.userId, id)).toMatchObject({ title: "", version: 1 });
  });
});

describe("an edit", () => {
  test("is counted, told to the room, and lets no turn give another title", async () => {
    const id = await desk.conversation();
    const told: unknown[] = [];
    desk.rooms[id] = { update: async (...said: unknown[]) => void told.push(said) };
    const facts = ["Ada is four."];
    const { value, trips } = await desk.tripsOf(() =>
      changeConversation(desk.ctx, desk.userId, id, { title: "Mine", pinned_facts: facts }, 1),
    );
    expect([value, trips]).toMatchObject([{ title: "Mine", pinned_facts: facts, version: 2 }, 1]);
    await desk.events.settled();
    expect(told).toEqual([[desk.userId, { title: "Mine", pinned_facts: facts, version: 2 }]]);
    await changeConversation(desk.ctx, desk.userId, id, { pinned_facts: [] }, undefined);
    await desk.events.settled();
    expect(told.at(-1)).toEqual([desk.userId, { title: "Mine", pinned_facts: [], version: 3 }]);
    await projectTurn(desk.ctx, desk.turn(id));
    expect(await getConversation(desk.ctx, desk.userId, id)).toMatchObject({ title: "Mine", pinned_facts: [], version: 3 });
  });

  test("of what has changed meanwhile is refused, and one of two at once", async () => {
    const id = await desk.conversation();
    desk.rooms[id] = { update: async () => undefined };
    const edit = (title: string) => outcomeOf(changeConversation(desk.ctx, desk.userId, id, { title }, 1));
    expect(tally(await Promise.all([edit("a"), edit("b")]))).toEqual({ done: 1, precondition_failed: 1 });
    expect((await getConversation(desk.ctx, desk.userId, id)).version).toBe(2);
  });

  test("holds where the room does not answer", async () => {
    const id = await desk.conversation();
    desk.rooms[id] = { update: () => Promise.reject(new Error("overloaded")) };
    expect(await outcomeOf(changeConversation(desk.ctx, desk.userId, id, { title: "Mine" }, undefined))).toBe("done");
    await desk.events.settled();
    expect((await getConversation(desk.ctx, desk.userId, id)).title).toBe("Mine");
  });
});

describe("a deletion", () => {
  test("takes messages at once, and room and files by a job, that is done again until they answer", async () => {
    const [id, other] = [await desk.conversation(), await desk.conversation()];
    await projectTurn(desk.ctx, desk.turn(id));
    await desk.bucket.put(`conversations/${desk.userId}/${id}/a`, "a");
    await desk.bucket.put(`conversations/${desk.userId}/${other}/a`, "a");
    await desk.bucket.put(`conversations/${desk.userId}/${id}1/a`, "a");
    let attempts = 0;
    desk.rooms[id] = {
      erase: async () => {
        attempts += 1;
        if (attempts === 1) throw new Error("It does not answer.");
      },
    };
    const { trips } = await desk.tripsOf(() => deleteConversation(desk.ctx, desk.userId, id));
    expect(trips).toBe(1);
    expect(await desk.database.sql("select id from messages where user_id = $1", [desk.userId])).toEqual([]);
    expect(await outcomeOf(deleteConversation(desk.ctx, desk.userId, id))).toBe("not_found");
    await desk.work();
    expect([attempts, desk.bucket.objects.size, desk.queue.size]).toEqual([1, 3, 1]);
    await desk.work(60);
    const left = [`conversations/${desk.userId}/${other}/a`, `conversations/${desk.userId}/${id}1/a`];
    expect([attempts, [...desk.bucket.objects.keys()], desk.queue.size]).toEqual([2, left, 0]);
    expect(await desk.database.sql("select id from outbox where user_id = $1", [desk.userId])).toEqual([]);
  });

  test("of a minion for good takes its conversations, their rooms and files; the bin takes none", async () => {
    const id = await desk.conversation();
    const erased: number[] = [];
    desk.rooms[id] = { erase: async () => void erased.push(id) };
    await desk.bucket.put(`conversations/${desk.userId}/${id}/a`, "a");
    const bin = (days: number) =>
      desk.database.sql("update spirit_minions set deleted_at = now() - make_interval(days => $2) where id = $1", [
        desk.minionId,
        days,
      ]);
    await bin(29);
    await emptyBin(desk.ctx);
    expect(await getConversation(desk.ctx, desk.userId, id)).toMatchObject({ minion_id: desk.minionId });
    await bin(31);
    await emptyBin(desk.ctx);
    expect(await outcomeOf(getConversation(desk.ctx, desk.userId, id))).toBe("not_found");
    expect(await sweepOutbox(desk.ctx)).toBe(1);
    await desk.work();
    expect([erased, desk.bucket.objects.size]).toEqual([[id], 0]);
  });

  test("of an account empties all of its rooms, those among them that were being erased, and deletes its files", async () => {
    const ids: number[] = [];
    for (let made = 0; made < 12; made += 1) ids.push(await desk.conversation());
    const erased = new Set<number>();
    let atOnce = 0;
    let most = 0;
    for (const id of ids) {
      desk.rooms[id] = {
        erase: async () => {
          most = Math.max(most, ++atOnce);
          await new Promise((resolve) => setTimeout(resolve, 5));
          atOnce -= 1;
          erased.add(id);
        },
      };
    }
    await deleteConversation(desk.ctx, desk.userId, ids[0]!);
    await desk.bucket.put(`conversations/${desk.userId}/${ids[3]}/a`, "a");
    await desk.bucket.put(`conversations/${desk.userId}1/1/a`, "a");
    expect(await eraseUser(desk.ctx, desk.userId)).toEqual([]);
    expect([[...erased].sort((a, b) => a - b), most]).toEqual([ids.toSorted((a, b) => a - b), 5]);
    expect([...desk.bucket.objects.keys()]).toEqual([`conversations/${desk.userId}1/1/a`]);
  });

  test("is of what an export gave before", async () => {
    const id = await desk.conversation();
    await projectTurn(desk.ctx, desk.turn(id));
    const { conversations, messages } = exportUser(desk.ctx, desk.userId);
    const [held, said] = await commit(desk.ctx, [conversations!, messages!]);
    expect(held).toMatchObject([{ id, title: "Eagles" }]);
    expect(said).toMatchObject([{ text: "How do eagles fly?" }, { text: "They soar.", body: { model: null } }]);
    expect((said as object[])[0]).not.toHaveProperty("search");
  });
});

describe("a fork", () => {
  /** A conversation of two turns, and a room that forks it. */
  async function forkable() {
    const id = await desk.conversation({ title: "Eagles", pinned_facts: ["They soar."] });
    for (const turn of [1, 2]) await projectTurn(desk.ctx, desk.turn(id, { turn }));
    const forks: unknown[] = [];
    const room = {
      read: async (_userId: number, messageId: number) =>
        messageId <= messageIdOf(id, 4) ? { value: {} } : { refusal: { code: "not_found", detail: "There is none." } },
      fork: async (...said: unknown[]) => {
        forks.push(said);
        return { value: { into: said[2] } };
      },
      erase: async () => undefined,
    };
    desk.rooms[id] = room;
    const at = (place: number) => ({ conversationId: id, messageId: messageIdOf(id, place) });
    return { id, forks, room, at };
  }

  test("is a conversation of its own that shows what was said up to there, made in one round trip", async () => {
    const { id, forks, at } = await forkable();
    const { value, trips } = await desk.tripsOf(() => forkConversation(desk.ctx, desk.userId, at(2)));
    expect(trips).toBe(1);
    expect(value).toMatchObject({
      minion_id: desk.minionId,
      kind: "chat",
      title: "Eagles",
      pinned_facts: ["They soar."],
      forked_from_message_id: messageIdOf(id, 2),
      message_count: 2,
      last_message_at: new Date(desk.turn(id).messages[1].completed_at!),
      version: 1,
    });
    expect(forks).toEqual([[desk.userId, messageIdOf(id, 2), value.id]]);
    expect((await getConversation(desk.ctx, desk.userId, id)).message_count).toBe(4);
  });

  test("of a fork counts what it shows of both, as they were", async () => {
    const { id, at, room } = await forkable();
    const fork = await forkConversation(desk.ctx, desk.userId, at(3));
    desk.rooms[fork.id] = { ...room, read: async () => ({ value: {} }) };
    await projectTurn(desk.ctx, { ...desk.turn(fork.id), message_count: 5 });
    const of = { conversation_id: id, user_id: desk.userId, minion_id: desk.minionId };
    await projectRemoval(desk.ctx, { ...of, from_message_id: messageIdOf(id, 3), message_count: 2 });
    const fromOwn = await forkConversation(desk.ctx, desk.userId, {
      conversationId: fork.id,
      messageId: messageIdOf(fork.id, 1),
    });
    expect(fromOwn.message_count).toBe(3 + 1);
    const fromBoth = await forkConversation(desk.ctx, desk.userId, { conversationId: fork.id, messageId: messageIdOf(id, 2) });
    expect(fromBoth.message_count).toBe(2);
  });

  test("is not made of what is not there, and not left where the room does not answer", async () => {
    const { at, room } = await forkable();
    expect(await outcomeOf(forkConversation(desk.ctx, desk.userId, at(5)))).toBe("not_found");
    expect(await outcomeOf(forkConversation(desk.ctx, await stranger(), at(2)))).toBe("not_found");
    expect(await count()).toBe(1);
    room.fork = () => Promise.reject(new Error("It does not answer."));
    expect(await outcomeOf(forkConversation(desk.ctx, desk.userId, at(2)))).toBe("realtime_unavailable");
    expect(await count()).toBe(1);
  });

  test("that was asked for under a key is completed when it is asked for again", async () => {
    const { at, room, forks } = await forkable();
    const works = room.fork;
    room.fork = () => Promise.reject(new Error("It does not answer."));
    const ctx = desk.ctx.claiming(claimKey(desk.ctx, { userId: desk.userId, key: "fork", fingerprint: "f" }));
    await expect(forkConversation(ctx, desk.userId, at(2))).rejects.toBeInstanceOf(AppError);
    const { made } = await desk.one("select made from idempotency_keys where user_id = $1", [desk.userId]);
    room.fork = works;
    const fork = await recallFork(desk.ctx, desk.userId, at(2), Number(made));
    expect([fork.id, await count()]).toEqual([Number(made), 2]);
    expect(forks).toEqual([[desk.userId, at(2).messageId, fork.id]]);
  });
});
