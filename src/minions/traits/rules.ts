import { ranks, type Rank } from "../../catalog/constants.ts";
import { maxIntensity, traitDescriptions, traits, type Trait } from "../constants.ts";

/** Intensity of each trait, 0–10. Default: 0. */
export type Intensities = Readonly<Partial<Record<Trait, number>>>;

/** Percent by which pairs of traits support each other, or conflict if negative. Other pairs are unrelated. */
export const traitRelations: readonly (readonly [Trait, Trait, percent: number])[] = [
  ["professional", "technical", 20],
  ["friendly", "supportive", 20],
  ["creative", "analytical", 15],
  ["technical", "analytical", 25],
  ["professional", "supportive", 10],
  ["friendly", "creative", 15],
  ["professional", "creative", -15],
  ["analytical", "friendly", -10],
  ["technical", "friendly", -10],
  ["supportive", "technical", -5],
];

/** Maximum number of traits at a level (1–35): one from level 10, one more every five levels, at most five. */
export function traitSlots(level: number): number {
  return Math.min(Math.max(0, Math.floor(level / 5) - 1), 5);
}

/** Maximum sum of intensities at a rank: 10, and 5 for each rank above Novice. */
export function traitPoints(rank: Rank): number {
  return 10 + 5 * ranks.indexOf(rank);
}

/** The faults of traits at a level and rank. Faults of the whole have an empty path. */
export function faultsOfTraits(
  intensities: Readonly<Record<string, number>>,
  { level, rank }: { level: number; rank: Rank },
): { path: string; message: string }[] {
  const entries = Object.entries(intensities);
  const faults = entries.flatMap(([path, intensity]) => {
    if (!Object.hasOwn(traitDescriptions, path)) return { path, message: `must be one of ${traits.join(", ")}` };
    const isFine = Number.isInteger(intensity) && intensity >= 0 && intensity <= maxIntensity;
    return isFine ? [] : { path, message: `must be a whole number from 0 to ${maxIntensity}` };
  });
  const positive = entries.filter(([, intensity]) => intensity > 0);
  const slots = traitSlots(level);
  if (positive.length > slots) {
    faults.push({
      path: "",
      message: `exceeds the limit of ${slots} traits above 0 at level ${level} (got ${positive.length})`,
    });
  }
  const spent = positive.reduce((sum, [, intensity]) => sum + intensity, 0);
  const points = traitPoints(rank);
  if (spent > points)
    faults.push({ path: "", message: `exceeds the limit of ${points} trait points at rank ${rank} (got ${spent})` });
  return faults;
}

/** The mean relation of all related pairs of traits above 0, as a fraction (20 % = 0.2); 0 without such pairs. */
export function compatibilityOf(intensities: Intensities): number {
  const has = (trait: Trait) => (intensities[trait] ?? 0) > 0;
  const related = traitRelations.filter(([a, b]) => has(a) && has(b));
  const sum = related.reduce((total, [, , percent]) => total + percent, 0);
  return related.length === 0 ? 0 : sum / (100 * related.length);
}

/** A compatibility as a percentage from 0 to 100, with one decimal: 100 without conflicts. */
export function compatibilityPercent(compatibility: number): number {
  return Math.min(Math.max(0, Math.round(1_000 * compatibility + 1_000) / 10), 100);
}
