import { traitDescriptions, traits } from "./constants.ts";
import type { Intensities } from "./traits/rules.ts";

/** The parts of a system prompt. The prompt states all of them as facts, so include only what is available now. */
export type PromptParts = {
  minion: {
    name: string;
    display_name: string;
    description: string;
    personality: string;
    /** The owner's own instructions. */
    system_prompt: string;
  };
  traits: Intensities;
  minion_class: { class_name: string; specialization: string; perfect_for: readonly string[] } | null;
  /** In the order of the prompt. */
  spirits: readonly PromptSpirit[];
};

export type PromptSpirit = {
  name: string;
  category: string;
  spirit_level: number;
  /** Inactive spirits are omitted. */
  is_active: boolean;
  /** Only the tools that the model can call in this turn. */
  tools: readonly { name: string; description: string }[];
};

/**
 * Composes the system prompt of a minion: sections under headings in a fixed order, without empty sections.
 * The same parts give the same text.
 *
 * No user text can imitate a section. Single-line texts are put on one line after fixed words. Multi-line texts are quoted:
 * each line starts with ">", whatever line break character the author used.
 */
export function composeSystemPrompt({ minion, traits: intensities, minion_class, spirits }: PromptParts): string {
  const quotes = [
    section("Description", quoted(minion.description)),
    section("Personality", quoted(minion.personality)),
    section("Instructions", quoted(minion.system_prompt)),
  ].filter(Boolean);
  const facts = [
    section("Traits", traitLines(intensities)),
    section("Class", classLines(minion_class)),
    section("Spirits", spirits.filter(({ is_active }) => is_active).flatMap(spiritLines)),
  ];
  const preface =
    quotes.length > 0
      ? `Your owner wrote the lines that begin with ">". Act as they describe and follow their instructions.`
      : "";
  const identity = [introduction(minion), preface].filter(Boolean).join("\n");
  return [identity, ...quotes, ...facts].filter(Boolean).join("\n\n");
}

function section(heading: string, lines: readonly string[]): string {
  return lines.length === 0 ? "" : [`# ${heading}`, ...lines].join("\n");
}

function introduction({ name, display_name }: PromptParts["minion"]): string {
  const [shown, plain] = [oneLine(display_name), oneLine(name)];
  const alias = shown.toLowerCase() === plain.toLowerCase() ? "" : `, also known as ${JSON.stringify(plain)}`;
  return `You are ${JSON.stringify(shown)}${alias}, an AI assistant.`;
}

/** Bands of intensity with their minimum, strongest first. */
const bands = [
  [10, "above all"],
  [7, "strongly"],
  [4, "clearly"],
  [1, "slightly"],
] as const;

function traitLines(intensities: Intensities): string[] {
  return traits.flatMap((trait) => {
    const intensity = intensities[trait] ?? 0;
    const band = bands.find(([least]) => intensity >= least)?.[1];
    return band === undefined ? [] : `- ${band} ${trait} (${intensity} of 10): ${traitDescriptions[trait]}`;
  });
}

function classLines(minionClass: PromptParts["minion_class"]): string[] {
  if (minionClass === null) return [];
  const uses = minionClass.perfect_for.map(oneLine).filter(Boolean).join(", ");
  const lines = [`- ${oneLine(minionClass.class_name)}: ${oneLine(minionClass.specialization)}`];
  return uses === "" ? lines : [...lines, `- Perfect for: ${uses}`];
}

function spiritLines({ name, category, spirit_level, tools }: PromptSpirit): string[] {
  const spirit = `- ${oneLine(name)} (${oneLine(category)}), level ${spirit_level}`;
  if (tools.length === 0) return [`${spirit}: none of its tools is available`];
  return [`${spirit}, with these tools:`, ...tools.map((tool) => `  - ${oneLine(tool.name)}: ${oneLine(tool.description)}`)];
}

/** All Unicode line breaks. */
const lineBreaks = /\r\n|[\r\n\v\f\u0085\u2028\u2029]/gu;

/** Invisible characters: control characters and overrides of the text direction. */
const controls = /(?![\t\n])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/gu;

function cleaned(text: string): string {
  return text.toWellFormed().replace(lineBreaks, "\n").replace(controls, "");
}

function oneLine(text: string): string {
  return cleaned(text).replace(/\s+/gu, " ").trim();
}

function quoted(text: string): string[] {
  const trimmed = cleaned(text).trim();
  return trimmed === "" ? [] : trimmed.split("\n").map((line) => `> ${line}`.trimEnd());
}
