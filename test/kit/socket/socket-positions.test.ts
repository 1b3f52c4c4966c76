import { array, assert, nat, oneof, property, record } from "fast-check";
import { expect, test } from "vitest";
import { recordAck, recordSent, positionAfter } from "../../../src/kit/socket/socket-positions.ts";

const most = { frames: 32, bytes: 32_768 };

test("the unread amount is overestimated by at most one segment for any sequence of sends and acknowledgements", () => {
  const step = oneof(record({ sends: nat(40) }), record({ reads: nat(200) }));
  assert(
    property(array(step, { maxLength: 12 }), (steps) => {
      const place = positionAfter(10);
      for (const given of steps) {
        if ("reads" in given) recordAck(place, Math.min(place.acked + given.reads, place.sent!));
        else
          for (let n = 0; n < given.sends; n += 1) {
            place.sent! += 1;
            recordSent(place, { frames: 1, bytes: 100 }, most);
          }
        const unread = place.sent! - place.acked;
        expect(place.frames).toBeGreaterThanOrEqual(unread);
        expect(place.frames).toBeLessThan(unread + most.frames);
        expect(place.bytes).toBe(place.frames * 100);
        expect(place.stretches.reduce((sum, { frames }) => sum + frames, 0)).toBe(place.frames);
      }
    }),
  );
});

test("unread frames never exceed the size of a socket attachment", () => {
  const place = { ...positionAfter(0), sent: 0 };
  for (let n = 1; n <= 5_000; n += 1) {
    place.sent = n;
    recordSent(place, { frames: 1, bytes: 100 }, most);
  }
  expect([place.stretches.length, place.frames]).toEqual([16, 5_000]);
  recordAck(place, 5_000);
  expect([place.stretches, place.frames, place.bytes]).toEqual([[], 0, 0]);
});

test("an acknowledgement counts as new once, and one without frames does not", () => {
  const place = { ...positionAfter(3), sent: 4 };
  recordSent(place, { frames: 1, bytes: 10 }, most);
  expect([recordAck(place, 4), recordAck(place, 4)]).toEqual([true, false]);
  recordSent(place, { frames: 0, bytes: 10 }, most);
  expect(place.bytes).toBe(10);
  expect([recordAck(place, 4), place.bytes]).toEqual([true, 0]);
});
