import { describe, expect, test } from "vitest";
import { maxConversations, toMessageId } from "../../../src/chat/constants.ts";
import { eraseUser, exportUser, ownsResource } from "../../../src/chat/hooks.ts";
import { projectRemoval, projectTurn } from "../../../src/chat/sync/write-to-postgres.ts";
import {
  changeConversation,
  createConversation,
  deleteConversation,
  getConversationWithMinion,
  getOrCreateDirectConversation,
} from "../../../src/chat/conversations/service.ts";
import { getConversation } from "../../../src/chat/queries.ts";
import { forkConversation, recallFork } from "../../../src/chat/conversations/fork.ts";
import { commit } from "../../../src/kit/db/commit.ts";
import { AppError, commonErrors } from "../../../src/kit/errors.ts";
import { idempotencyGuard } from "../../../src/kit/db/idempotency.ts";
import { sweepOutbox } from "../../../src/kit/queue/outbox.ts";
import { purgeTrash } from "../../../src/minions/service.ts";
import { insertMinion, outcomeOf, tally } from "../../minions/support/minions.ts";
import { createUser } from "../../support/users.ts";
import { insertConversation, turnOf, useChatHarness } from "../support/conversations.ts";

const harness = useChatHarness();
const stranger = async () => (await createUser(harness)).id;
const count = async () =>
  Number((await harness.one("select count(*) from conversations where user_id = $1", [harness.userId]))["count"]);

describe("a conversation", () => {
  test("creating a conversation makes one round trip, with or without a title", async () => {
    const { value, trips } = await harness.tripsOf(() => createConversation(harness.ctx, harness.userId, harness.minionId));
    expect(trips).toBe(1);
    expect(value).toEqual({
      id: value.id,
      minion_id: harness.minionId,
      kind: "chat",
      temporary: false,
      title: "",
      pinned_facts: [],
      forked_from_message_id: null,
      message_count: 0,
      last_message_at: null,
      version: 1,
      created_at: expect.any(Date),
      updated_at: expect.any(Date),
    });
    const titled = await createConversation(harness.ctx, harness.userId, harness.minionId, { title: "Eagles" });
    expect(await getConversation(harness.ctx, harness.userId, titled.id)).toEqual({ ...titled, title: "Eagles" });
    await projectTurn(harness.ctx, { ...turnOf(harness, titled.id), title: "Made of the turn" });
    expect((await getConversation(harness.ctx, harness.userId, titled.id)).title).toBe("Eagles");
  });

  test("creating a conversation needs an own minion outside the trash", async () => {
    const begin = (userId: number, minionId: number) => outcomeOf(createConversation(harness.ctx, userId, minionId));
    expect(await begin(await stranger(), harness.minionId)).toBe("not_found");
    expect(await begin(harness.userId, 2_000_000_000)).toBe("not_found");
    const binned = await insertMinion(harness.database, harness.userId, { deleted_at: new Date() });
    expect(await begin(harness.userId, binned)).toBe("not_found");
    expect(await count()).toBe(0);
  });

  test("creating a conversation twice with one Idempotency-Key creates one", async () => {
    const given = { userId: harness.userId, key: "k", fingerprint: "f" };
    const begin = () =>
      createConversation(harness.ctx.withGuard(idempotencyGuard(harness.ctx, given)), harness.userId, harness.minionId).then(
        () => "made",
        () => "taken",
      );
    expect(tally(await Promise.all([begin(), begin(), begin()]))).toEqual({ made: 1, taken: 2 });
    expect(await count()).toBe(1);
  });

  test("creating a conversation above the limit is refused", async () => {
    await harness.database.sql(
      "insert into conversations (user_id, minion_id) select $1, $2 from generate_series(1, $3::int)",
      [harness.userId, harness.minionId, maxConversations - 2],
    );
    const begin = () => outcomeOf(createConversation(harness.ctx, harness.userId, harness.minionId));
    expect(tally(await Promise.all([begin(), begin(), begin(), begin()]))).toEqual({ done: 2, conflict: 2 });
    const direct = () => outcomeOf(getOrCreateDirectConversation(harness.ctx, harness.userId, harness.minionId));
    expect([await direct(), await count()]).toEqual(["conflict", maxConversations]);
    await harness.database.sql(
      "update conversations set kind = 'direct' where id = (select min(id) from conversations where user_id = $1)",
      [harness.userId],
    );
    expect(await direct()).toBe("done");
  });

  test("the direct conversation of a minion is created on its first use", async () => {
    const { value, trips } = await harness.tripsOf(() =>
      getOrCreateDirectConversation(harness.ctx, harness.userId, harness.minionId),
    );
    expect([value.conversation.kind, value.minion.id, trips]).toEqual(["direct", harness.minionId, 1]);
    const again = await Promise.all(
      [1, 2, 3].map(() => getOrCreateDirectConversation(harness.ctx, harness.userId, harness.minionId)),
    );
    expect(again).toEqual([value, value, value]);
    const other = await getOrCreateDirectConversation(
      harness.ctx,
      harness.userId,
      await insertMinion(harness.database, harness.userId),
    );
    expect(other.conversation.id).not.toBe(value.conversation.id);
    expect(await outcomeOf(getOrCreateDirectConversation(harness.ctx, await stranger(), harness.minionId))).toBe("not_found");
  });

  test("a message to a conversation checks its owner and minion in one round trip", async () => {
    const id = await insertConversation(harness);
    const { value, trips } = await harness.tripsOf(() =>
      getConversationWithMinion(harness.ctx, harness.userId, harness.minionId, id),
    );
    expect([value.conversation.id, value.minion.id, trips]).toEqual([id, harness.minionId, 1]);
    const another = await insertMinion(harness.database, harness.userId);
    const refused = [
      getConversationWithMinion(harness.ctx, harness.userId, another, id),
      getConversationWithMinion(harness.ctx, harness.userId, harness.minionId, id + 1_000),
      getConversationWithMinion(harness.ctx, await stranger(), harness.minionId, id),
    ];
    expect(await Promise.all(refused.map(outcomeOf))).toEqual(["not_found", "not_found", "not_found"]);
  });

  test("a conversation is visible only to its owner", async () => {
    const id = await insertConversation(harness);
    const other = await stranger();
    expect(await outcomeOf(getConversation(harness.ctx, other, id))).toBe("not_found");
    expect(await outcomeOf(changeConversation(harness.ctx, other, id, { title: "Mine" }, undefined))).toBe("not_found");
    expect(await outcomeOf(deleteConversation(harness.ctx, other, id))).toBe("not_found");
    const owns = (userId: number, resource: string) => ownsResource(harness.ctx, userId, resource);
    expect(await Promise.all([owns(harness.userId, `conversation:${id}`), owns(other, `conversation:${id}`)])).toEqual([
      true,
      false,
    ]);
    for (const resource of ["me", "conversation:", "conversation:x", "conversation:0", `training-job:${id}`]) {
      expect(owns(harness.userId, resource), resource).toBeUndefined();
    }
    expect(await getConversation(harness.ctx, harness.userId, id)).toMatchObject({ title: "", version: 1 });
  });
});

describe("editing a conversation", () => {
  test("an edit increments the version, notifies the room, and prevents generated titles", async () => {
    const id = await insertConversation(harness);
    const updates: unknown[] = [];
    harness.rooms[id] = { update: async (...update: unknown[]) => void updates.push(update) };
    const facts = ["Ada is four."];
    const { value, trips } = await harness.tripsOf(() =>
      changeConversation(harness.ctx, harness.userId, id, { title: "Mine", pinned_facts: facts }, 1),
    );
    expect([value, trips]).toMatchObject([{ title: "Mine", pinned_facts: facts, version: 2 }, 1]);
    await harness.events.settled();
    expect(updates).toEqual([[harness.userId, { title: "Mine", pinned_facts: facts, version: 2 }]]);
    await changeConversation(harness.ctx, harness.userId, id, { pinned_facts: [] }, undefined);
    await harness.events.settled();
    expect(updates.at(-1)).toEqual([harness.userId, { title: "Mine", pinned_facts: [], version: 3 }]);
    await projectTurn(harness.ctx, turnOf(harness, id));
    expect(await getConversation(harness.ctx, harness.userId, id)).toMatchObject({
      title: "Mine",
      pinned_facts: [],
      version: 3,
    });
  });

  test("an edit of an outdated version is refused, and so is the second of two concurrent edits", async () => {
    const id = await insertConversation(harness);
    harness.rooms[id] = { update: async () => undefined };
    const edit = (title: string) => outcomeOf(changeConversation(harness.ctx, harness.userId, id, { title }, 1));
    expect(tally(await Promise.all([edit("a"), edit("b")]))).toEqual({ done: 1, precondition_failed: 1 });
    expect((await getConversation(harness.ctx, harness.userId, id)).version).toBe(2);
  });

  test("an edit is stored if the room is unavailable", async () => {
    const id = await insertConversation(harness);
    harness.rooms[id] = { update: () => Promise.reject(new Error("overloaded")) };
    expect(await outcomeOf(changeConversation(harness.ctx, harness.userId, id, { title: "Mine" }, undefined))).toBe("done");
    await harness.events.settled();
    expect((await getConversation(harness.ctx, harness.userId, id)).title).toBe("Mine");
  });
});

describe("deleting a conversation", () => {
  test("messages are deleted at once, and the room and files by a retried job", async () => {
    const [id, other] = [await insertConversation(harness), await insertConversation(harness)];
    await projectTurn(harness.ctx, turnOf(harness, id));
    await harness.bucket.put(`conversations/${harness.userId}/${id}/a`, "a");
    await harness.bucket.put(`conversations/${harness.userId}/${other}/a`, "a");
    await harness.bucket.put(`conversations/${harness.userId}/${id}1/a`, "a");
    let attempts = 0;
    harness.rooms[id] = {
      erase: async () => {
        attempts += 1;
        if (attempts === 1) throw new Error("It does not answer.");
      },
    };
    const { trips } = await harness.tripsOf(() => deleteConversation(harness.ctx, harness.userId, id));
    expect(trips).toBe(1);
    expect(await harness.database.sql("select id from messages where user_id = $1", [harness.userId])).toEqual([]);
    expect(await outcomeOf(deleteConversation(harness.ctx, harness.userId, id))).toBe("not_found");
    await harness.deliver();
    expect([attempts, harness.bucket.objects.size, harness.queue.size]).toEqual([1, 3, 1]);
    await harness.deliver(60);
    const left = [`conversations/${harness.userId}/${other}/a`, `conversations/${harness.userId}/${id}1/a`];
    expect([attempts, [...harness.bucket.objects.keys()], harness.queue.size]).toEqual([2, left, 0]);
    expect(await harness.database.sql("select id from outbox where user_id = $1", [harness.userId])).toEqual([]);
  });

  test("deleting a minion permanently deletes its conversations, rooms and files; trashing it deletes none", async () => {
    const id = await insertConversation(harness);
    const erased: number[] = [];
    harness.rooms[id] = { erase: async () => void erased.push(id) };
    await harness.bucket.put(`conversations/${harness.userId}/${id}/a`, "a");
    const bin = (days: number) =>
      harness.database.sql("update spirit_minions set deleted_at = now() - make_interval(days => $2) where id = $1", [
        harness.minionId,
        days,
      ]);
    await bin(29);
    await purgeTrash(harness.ctx);
    expect(await getConversation(harness.ctx, harness.userId, id)).toMatchObject({ minion_id: harness.minionId });
    await bin(31);
    await purgeTrash(harness.ctx);
    expect(await outcomeOf(getConversation(harness.ctx, harness.userId, id))).toBe("not_found");
    expect(await sweepOutbox(harness.ctx)).toBe(1);
    await harness.deliver();
    expect([erased, harness.bucket.objects.size]).toEqual([[id], 0]);
  });

  test("deleting an account clears all of its rooms, also those being deleted, and its files", async () => {
    const ids: number[] = [];
    for (let made = 0; made < 12; made += 1) ids.push(await insertConversation(harness));
    const erased = new Set<number>();
    let atOnce = 0;
    let most = 0;
    for (const id of ids) {
      harness.rooms[id] = {
        erase: async () => {
          most = Math.max(most, ++atOnce);
          await new Promise((resolve) => setTimeout(resolve, 5));
          atOnce -= 1;
          erased.add(id);
        },
      };
    }
    await deleteConversation(harness.ctx, harness.userId, ids[0]!);
    await harness.bucket.put(`conversations/${harness.userId}/${ids[3]}/a`, "a");
    await harness.bucket.put(`conversations/${harness.userId}1/1/a`, "a");
    expect(await eraseUser(harness.ctx, harness.userId)).toEqual([]);
    expect([[...erased].sort((a, b) => a - b), most]).toEqual([ids.toSorted((a, b) => a - b), 5]);
    expect([...harness.bucket.objects.keys()]).toEqual([`conversations/${harness.userId}1/1/a`]);
  });

  test("a deletion removes everything that the export contained", async () => {
    const id = await insertConversation(harness);
    await projectTurn(harness.ctx, turnOf(harness, id));
    const { conversations, messages } = exportUser(harness.ctx, harness.userId);
    const [held, messageCount] = await commit(harness.ctx, [conversations!, messages!]);
    expect(held).toMatchObject([{ id, title: "Eagles" }]);
    expect(messageCount).toMatchObject([{ text: "How do eagles fly?" }, { text: "They soar.", body: { model: null } }]);
    expect((messageCount as object[])[0]).not.toHaveProperty("search");
  });
});

describe("forking a conversation", () => {
  /** A conversation of two turns, and a room that forks it. */
  async function forkable() {
    const id = await insertConversation(harness, { title: "Eagles", pinned_facts: ["They soar."] });
    for (const turn of [1, 2]) await projectTurn(harness.ctx, turnOf(harness, id, { turn }));
    const forks: unknown[] = [];
    const room = {
      read: async (_caller: unknown, messageId: number) =>
        messageId <= toMessageId(id, 4)
          ? { value: {} }
          : { refusal: { errorType: commonErrors.not_found, detail: "There is none." } },
      fork: async (...call: unknown[]) => {
        forks.push(call);
        return { value: { into: call[2] } };
      },
      erase: async () => undefined,
    };
    harness.rooms[id] = room;
    const at = (place: number) => ({ conversationId: id, messageId: toMessageId(id, place) });
    return { id, forks, room, at };
  }

  test("a fork is a separate conversation with the messages up to a point, made in one round trip", async () => {
    const { id, forks, at } = await forkable();
    const { value, trips } = await harness.tripsOf(() => forkConversation(harness.ctx, harness.userId, at(2)));
    expect(trips).toBe(1);
    expect(value).toMatchObject({
      minion_id: harness.minionId,
      kind: "chat",
      title: "Eagles",
      pinned_facts: ["They soar."],
      forked_from_message_id: toMessageId(id, 2),
      message_count: 2,
      last_message_at: new Date(turnOf(harness, id).messages[1].completed_at!),
      version: 1,
    });
    const caller = { user_id: harness.userId, request_id: harness.ctx.requestId };
    expect(forks).toEqual([[caller, toMessageId(id, 2), value.id]]);
    expect((await getConversation(harness.ctx, harness.userId, id)).message_count).toBe(4);
  });

  test("a fork of a fork counts the messages of both sources as they were", async () => {
    const { id, at, room } = await forkable();
    const fork = await forkConversation(harness.ctx, harness.userId, at(3));
    harness.rooms[fork.id] = { ...room, read: async () => ({ value: {} }) };
    await projectTurn(harness.ctx, { ...turnOf(harness, fork.id), message_count: 5 });
    const of = { conversation_id: id, user_id: harness.userId, minion_id: harness.minionId };
    await projectRemoval(harness.ctx, { ...of, from_message_id: toMessageId(id, 3), message_count: 2 });
    const fromOwn = await forkConversation(harness.ctx, harness.userId, {
      conversationId: fork.id,
      messageId: toMessageId(fork.id, 1),
    });
    expect(fromOwn.message_count).toBe(3 + 1);
    const fromBoth = await forkConversation(harness.ctx, harness.userId, {
      conversationId: fork.id,
      messageId: toMessageId(id, 2),
    });
    expect(fromBoth.message_count).toBe(2);
  });

  test("a fork of a missing message is refused, and a fork is rolled back if the room is unavailable", async () => {
    const { at, room } = await forkable();
    expect(await outcomeOf(forkConversation(harness.ctx, harness.userId, at(5)))).toBe("not_found");
    expect(await outcomeOf(forkConversation(harness.ctx, await stranger(), at(2)))).toBe("not_found");
    expect(await count()).toBe(1);
    room.fork = () => Promise.reject(new Error("It does not answer."));
    expect(await outcomeOf(forkConversation(harness.ctx, harness.userId, at(2)))).toBe("realtime_unavailable");
    expect(await count()).toBe(1);
  });

  test("a fork with an Idempotency-Key is completed when the request is repeated", async () => {
    const { at, room, forks } = await forkable();
    const works = room.fork;
    room.fork = () => Promise.reject(new Error("It does not answer."));
    const ctx = harness.ctx.withGuard(idempotencyGuard(harness.ctx, { userId: harness.userId, key: "fork", fingerprint: "f" }));
    await expect(forkConversation(ctx, harness.userId, at(2))).rejects.toBeInstanceOf(AppError);
    const { made } = await harness.one("select made from idempotency_keys where user_id = $1", [harness.userId]);
    room.fork = works;
    const fork = await recallFork(harness.ctx, harness.userId, at(2), Number(made));
    expect([fork.id, await count()]).toEqual([Number(made), 2]);
    expect(forks).toEqual([[{ user_id: harness.userId, request_id: harness.ctx.requestId }, at(2).messageId, fork.id]]);
  });
});
