import { describe, expect, test } from "vitest";
import { HashSet } from "../../../src/datasets/cleaning/hash-set.ts";

describe("a set of digests", () => {
  const digest = (high: number, low: number) => {
    const view = new DataView(new ArrayBuffer(32));
    view.setUint32(0, high);
    view.setUint32(4, low);
    return view;
  };

  test("the set contains every added digest, while it grows and when it is full", () => {
    const set = new HashSet();
    const all = Array.from({ length: 800_000 }, (_, index) => digest(Math.imul(index, 0x9e3779b1) >>> 0, index << 11));
    expect(all.every((each) => set.add(each))).toBe(true);
    expect(all.slice(0, 786_432).every((each) => !set.add(each))).toBe(true);
    expect(all.slice(786_432).every((each) => set.add(each))).toBe(true);
  });

  test("digests that differ in any of the first 53 bits are distinct", () => {
    const set = new HashSet();
    expect(
      [digest(0, 0), digest(1, 0), digest(0x80000000, 0), digest(0, 2 ** 11), digest(0, 0)].map((each) => set.add(each)),
    ).toEqual([true, true, true, true, false]);
  });
});
