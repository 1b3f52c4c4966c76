/** The catalog: spirits, their tools, classes, and how well spirits work together. Anybody can read it. */
import { createClient, step } from "./support.ts";

type Spirit = { id: number; name: string; icon: string; tier: string; unlock_rank: string; unlock_level: number };
type Synergy = {
  synergy_bonus: number;
  conflict_penalty: number;
  net_performance: number;
  synergies: { spirits: string[]; bonus: number }[];
  conflicts: { spirits: string[]; penalty: number }[];
};

const anybody = createClient();

step("The free spirits");
const { data: free } = await anybody.get<{ data: Spirit[] }>("/api/v2/spirits/free");
for (const { id, icon, name, unlock_rank, unlock_level } of free) {
  console.log(`${String(id).padStart(2)} ${icon} ${name}, from ${unlock_rank} ${unlock_level}`);
}

step("One spirit by its name, and its tools");
const { data: writer } = await anybody.get<{ data: Spirit }>("/api/v2/spirits/name/writer");
const { data: tools } = await anybody.get<{ data: { name: string; description: string }[] }>(
  `/api/v2/spirits/${writer.id}/tools`,
);
console.log(writer.name);
for (const { name, description } of tools) console.log(`  ${name}: ${description}`);

step("How three spirits work together");
const { data: synergy } = await anybody.post<{ data: Synergy }>("/api/v2/spirits/synergy", { spirit_ids: [1, 2, 6] });
for (const { spirits, bonus } of synergy.synergies) console.log(`${spirits.join(" + ")}: +${bonus} %`);
for (const { spirits, penalty } of synergy.conflicts) console.log(`${spirits.join(" + ")}: -${penalty} %`);
console.log(`Net performance: ${synergy.net_performance} %`);

step("What a Novice at rank level 2 has unlocked");
const available = await anybody.get<{ data: Spirit[] }>("/api/v2/spirits/available?rank=Novice&level=2");
console.log(available.data.map(({ name }) => name).join(", "));
type Class = { class_name: string; is_unlocked: boolean; net_performance: number; base_spirits: string[] };
const { classes } = await anybody.get<{ classes: Class[] }>("/api/v2/classes?user_rank=Novice&user_level=2");
for (const { class_name, is_unlocked, base_spirits, net_performance } of classes) {
  if (is_unlocked) console.log(`class ${class_name}: ${base_spirits.join(", ")} (net ${net_performance} %)`);
}

step("Search and filter");
const found = await anybody.get<{ tools: { name: string; spirits: string[] }[] }>("/api/v2/tools?category=Math&q=solve");
for (const { name, spirits } of found.tools) console.log(`${name}, a tool of the ${spirits.join(" and the ")}`);
