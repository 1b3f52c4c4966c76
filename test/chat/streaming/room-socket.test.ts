import { afterEach, describe, expect, test, vi } from "vitest";
import { RoomDisconnectedError, RoomSocketClient } from "../../../src/chat/streaming/room-socket.ts";
import { AppError } from "../../../src/kit/errors.ts";
import { closeCodes } from "../../../src/kit/socket/close-codes.ts";
import { frames } from "../support/fixtures.ts";
import { fakeRoom } from "../support/fake-room.ts";

afterEach(() => {
  vi.useRealTimers();
});

const text = (seq: number, content = "x") => ({ ...frames.text(seq, content), seq });

describe("RoomSocketClient", () => {
  test("the client returns frames one by one in order, also when several arrive at once", async () => {
    const { dial, connections } = fakeRoom();
    const line = await RoomSocketClient.open(dial, 4);
    const [room] = connections;
    expect(room!.after).toBe(4);
    room!.send(5, frames.created());
    room!.sendBatch([text(6), text(7)]);
    room!.send(8, frames.completed());
    const seqs = [await line.next(), await line.next(), await line.next(), await line.next()].map((frame) => frame?.seq);
    expect(seqs).toEqual([5, 6, 7, 8]);
  });

  test("the client acknowledges frames that were read, not those that were only received", async () => {
    vi.useFakeTimers();
    const { dial, connections } = fakeRoom();
    const line = await RoomSocketClient.open(dial, 0);
    const [room] = connections;
    for (let seq = 1; seq <= 200; seq += 1) room!.send(seq, frames.text(seq, "x"));
    expect(room!.acks).toEqual([]);
    for (let read = 0; read < 64; read += 1) await line.next();
    expect(room!.acks).toEqual([]);
    for (let read = 0; read < 64; read += 1) await line.next();
    expect(room!.acks).toEqual([64]);
    // A room takes so many messages and no more: what is due meanwhile waits, and is one.
    for (let read = 0; read < 70; read += 1) await line.next();
    expect(room!.acks).toEqual([64]);
    await vi.advanceTimersByTimeAsync(250);
    expect(room!.acks).toEqual([64, 198]);
  });

  test("the client acknowledges after a few large frames", async () => {
    const { dial, connections } = fakeRoom();
    const line = await RoomSocketClient.open(dial, 0);
    connections[0]!.sendBatch([text(1, "é".repeat(20_000)), text(2, "é".repeat(20_000)), text(3)]);
    for (let read = 0; read < 3; read += 1) await line.next();
    expect(connections[0]!.acks).toEqual([1]);
  });

  test("the client reconnects after the last received frame and loses none before it", async () => {
    const { dial, connections } = fakeRoom((room) => {
      if (room.after === 2) room.send(3, frames.reset(0));
    });
    const line = await RoomSocketClient.open(dial, 0);
    connections[0]!.send(1, frames.created());
    connections[0]!.send(2, frames.text(0, "x"));
    connections[0]!.close(1006);
    expect([(await line.next())?.seq, (await line.next())?.seq, (await line.next())?.seq]).toEqual([1, 2, 3]);
    expect(connections.map(({ after }) => after)).toEqual([0, 2]);
    // What the socket before says late is nobody's.
    connections[0]!.send(9, frames.completed());
    connections[1]!.send(4, frames.failed("interrupted"));
    expect((await line.next())?.seq).toBe(4);
  });

  test("the client gives up if the room closes the socket after every connect", async () => {
    vi.useFakeTimers();
    const { dial, connections } = fakeRoom((room) => {
      room.send(7, { type: "presence" });
      room.close(1006);
    });
    const line = await RoomSocketClient.open(dial, 7);
    const readToEnd = async () => {
      while ((await line.next()) !== undefined);
    };
    await Promise.all([expect(readToEnd()).rejects.toThrow(RoomDisconnectedError), vi.advanceTimersByTimeAsync(60_000)]);
    expect(connections).toHaveLength(5);
  });

  test("the client gives up at once on a close code that forbids reconnecting", async () => {
    for (const [code, why] of [
      [closeCodes.revoked, "session was revoked"],
      [closeCodes.erased, "deleted"],
    ] as const) {
      const { dial, connections } = fakeRoom();
      const line = await RoomSocketClient.open(dial, 0);
      connections[0]!.close(code);
      await expect(line.next()).rejects.toThrow(why);
      expect(connections).toHaveLength(1);
    }
  });

  test("the client passes on a refusal and retries an unavailable room", async () => {
    const { dial, connections, refusals } = fakeRoom((room) => {
      if (connections.length === 2) room.send(1, frames.created());
    });
    const line = await RoomSocketClient.open(dial, 0);
    refusals.push(new AppError("realtime_unavailable", "It is out."));
    connections[0]!.close(1006);
    expect((await line.next())?.seq).toBe(1);
    refusals.push(new AppError("not_found", "There is no such conversation."));
    connections[1]!.close(1006);
    await expect(line.next()).rejects.toThrow("There is no such conversation.");
    refusals.push(new AppError("rate_limited", "Too many sockets."));
    await expect(RoomSocketClient.open(dial, 0)).rejects.toThrow("Too many sockets.");
  });

  test("closing the client ends a waiting read and closes the socket", async () => {
    const { dial, connections } = fakeRoom();
    const line = await RoomSocketClient.open(dial, 0);
    const waiting = line.next();
    line.close();
    expect(await waiting).toBeUndefined();
    expect(connections[0]!.isOpen).toBe(false);
    expect(await line.next()).toBeUndefined();
  });
});
