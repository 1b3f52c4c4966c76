import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mergeNeighbors } from "../../../src/knowledge/search/merge-passages.ts";
import type { Retrieved } from "../../../src/knowledge/search/retrieve.ts";

const source = "Open the valve. Wait for a minute. Close the valve. Write down the pressure.";

/** A passage of the source, from a character to another. */
function passage(start: number, end: number, other: Partial<Retrieved> = {}): Retrieved {
  const text = source.slice(start, end);
  return {
    chunk_id: start,
    dataset_id: 1,
    heading: "Valves",
    source: "manual.md",
    score: 1,
    start,
    end,
    text,
    ...other,
  } as Retrieved;
}

const spans = (passages: readonly Retrieved[]) => passages.map(({ start, end }) => [start, end]);

describe("neighboring passages", () => {
  test("they become one text in the order of the source, with the place and the score of the better one", () => {
    const other = passage(0, 10, { source: "other.md", score: 0.8 });
    const [merged, last] = mergeNeighbors([passage(35, 51, { score: 0.9 }), other, passage(16, 34, { score: 0.5 })]);
    expect(merged).toEqual({
      ...passage(35, 51),
      text: "Wait for a minute.\nClose the valve.",
      start: 16,
      end: 51,
      score: 0.9,
    });
    expect(last).toBe(other);
  });

  test("what they share stands once", () => {
    const [merged] = mergeNeighbors([passage(0, 34), passage(16, 51)]);
    expect(merged).toMatchObject({ text: source.slice(0, 51), start: 0, end: 51 });
    expect(mergeNeighbors([passage(0, 51), passage(16, 34)])).toMatchObject([{ text: source.slice(0, 51) }]);
  });

  test("a passage between two others joins all three", () => {
    expect(mergeNeighbors([passage(0, 15), passage(35, 51), passage(16, 34)])).toMatchObject([{ start: 0, end: 51 }]);
  });

  test.each([
    ["of another section", { heading: "Pumps" }],
    ["of another source", { source: "other.md" }],
    ["of another dataset", { dataset_id: 2 }],
    ["of another version of the source", { text: "Close the door. No" }],
  ])("a passage %s stays apart", (_case, other) => {
    const passages = [passage(0, 34), passage(16, 34, other)];
    expect(mergeNeighbors(passages)).toEqual(passages);
  });

  test("passages that are not neighbors stay apart", () => {
    const passages = [passage(52, 76), passage(0, 15)];
    expect(mergeNeighbors(passages)).toEqual(passages);
  });

  test("merging keeps every character of the passages, and no two results are neighbors", () => {
    const span = fc.tuple(fc.nat(source.length - 2), fc.integer({ min: 1, max: 20 }));
    fc.assert(
      fc.property(fc.array(span, { maxLength: 8 }), (given) => {
        const passages = given.map(([start, length]) => passage(start, Math.min(source.length, start + length)));
        const merged = mergeNeighbors(passages);
        for (const { start, end } of passages) {
          expect(merged.some((each) => each.start <= start && each.end >= end)).toBe(true);
        }
        expect(mergeNeighbors(merged)).toEqual(merged);
        expect(spans(merged).every(([start, end]) => start! < end!)).toBe(true);
      }),
    );
  });
});
