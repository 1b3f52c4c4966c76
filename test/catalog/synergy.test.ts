import * as fc from "fast-check";
import { expect, test } from "vitest";
import { readCatalog } from "../../seed/catalog.ts";
import { synergyOf, type Affinity } from "../../src/catalog/rules.ts";

const { spirits } = await readCatalog();
type Spirit = (typeof spirits)[number];

/** Each related pair once, as the table holds it. */
const affinities: Affinity[] = spirits.flatMap((a) =>
  spirits
    .filter((b) => a.id < b.id && (b.name in a.synergies || b.name in a.conflicts))
    .map((b) => ({
      spirit_a: a.id,
      spirit_b: b.id,
      synergy_percent: a.synergies[b.name] ?? 0,
      conflict_percent: a.conflicts[b.name] ?? 0,
    })),
);

const set = fc.uniqueArray(fc.constantFrom(...spirits), { selector: ({ id }) => id });
const pairs = (chosen: readonly Spirit[]) => chosen.flatMap((a, index) => chosen.slice(index + 1).map((b) => [a, b] as const));
const sums = ({ synergy_bonus, conflict_penalty, net_performance }: ReturnType<typeof synergyOf>) => ({
  synergy_bonus,
  conflict_penalty,
  net_performance,
});

test("the catalog has synergies and conflicts", () => {
  expect(affinities.length).toBeGreaterThan(20);
  expect(affinities.some(({ conflict_percent }) => conflict_percent < 0)).toBe(true);
});

test("Builder and Designer have both a synergy and a conflict", () => {
  const chosen = spirits.filter(({ slug }) => ["builder", "designer"].includes(slug));
  expect(sums(synergyOf(chosen, affinities))).toEqual({ synergy_bonus: 15, conflict_penalty: 5, net_performance: 10 });
});

test("the order of the spirits does not matter", () => {
  const shuffled = set.chain((chosen) =>
    fc.tuple(fc.constant(chosen), fc.shuffledSubarray(chosen, { minLength: chosen.length, maxLength: chosen.length })),
  );
  fc.assert(
    fc.property(shuffled, ([chosen, again]) => {
      expect(synergyOf(again, affinities)).toEqual(synergyOf(chosen, affinities));
    }),
  );
});

test("a duplicate spirit counts once", () => {
  fc.assert(
    fc.property(set, fc.array(fc.nat()), (chosen, picks) => {
      const again = chosen.length === 0 ? [] : picks.map((pick) => chosen[pick % chosen.length]!);
      expect(synergyOf([...chosen, ...again], affinities)).toEqual(synergyOf(chosen, affinities));
    }),
  );
});

test("synergy is symmetric and the sum over unordered pairs", () => {
  fc.assert(
    fc.property(set, (chosen) => {
      const found = sums(synergyOf(chosen, affinities));
      for (const ordered of [pairs(chosen), pairs(chosen.toReversed())]) {
        const synergy_bonus = ordered.reduce((sum, [a, b]) => sum + (a.synergies[b.name] ?? 0), 0);
        const conflict_penalty = ordered.reduce((sum, [a, b]) => sum - (a.conflicts[b.name] ?? 0), 0);
        expect(found).toEqual({ synergy_bonus, conflict_penalty, net_performance: synergy_bonus - conflict_penalty });
      }
      const turned = affinities.map(({ spirit_a, spirit_b, ...rest }) => ({ ...rest, spirit_a: spirit_b, spirit_b: spirit_a }));
      expect(sums(synergyOf(chosen, turned))).toEqual(found);
    }),
  );
});

test("synergy is bounded by the best and worst pairs of the catalog and grows with every spirit", () => {
  const best = Math.max(...affinities.map(({ synergy_percent }) => synergy_percent));
  const worst = Math.max(...affinities.map(({ conflict_percent }) => -conflict_percent));
  fc.assert(
    fc.property(set, (chosen) => {
      const { synergy_bonus, conflict_penalty, synergies, conflicts } = synergyOf(chosen, affinities);
      const count = pairs(chosen).length;
      for (const [sum, list, most] of [
        [synergy_bonus, synergies, best],
        [conflict_penalty, conflicts, worst],
      ] as const) {
        expect(list.length).toBeLessThanOrEqual(count);
        expect(sum).toBeGreaterThanOrEqual(0);
        expect(sum).toBeLessThanOrEqual(most * list.length);
      }
      const fewer = synergyOf(chosen.slice(1), affinities);
      expect(fewer.synergy_bonus).toBeLessThanOrEqual(synergy_bonus);
      expect(fewer.conflict_penalty).toBeLessThanOrEqual(conflict_penalty);
    }),
  );
});
