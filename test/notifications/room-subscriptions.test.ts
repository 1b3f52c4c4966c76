import { expect, test, vi } from "vitest";
import { WatchedRooms } from "../../src/notifications/room-subscriptions.ts";
import { memorySql } from "../kit/socket/support/memory-sql.ts";

test("a room that does not receive a change is logged with the request that caused it, and the other rooms receive it", async () => {
  const called: string[] = [];
  const getByName = (name: string) => ({
    invalidateSettings: async () => {
      if (name === "1") throw new Error("The room is away.");
      called.push(name);
    },
  });
  const rooms = new WatchedRooms(memorySql(), { CHAT_ROOM: { getByName } });
  for (const name of ["1", "2"]) rooms.subscribe({ binding: "CHAT_ROOM", name }, 2_000);
  const lines: string[] = [];
  vi.spyOn(console, "error").mockImplementation((line: string) => void lines.push(line));
  await rooms.callRooms("request-one", (room) => room.invalidateSettings(), 1_000);
  expect(called).toEqual(["2"]);
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([{ request_id: "request-one", room: "CHAT_ROOM 1" }]);
});
