/** Spirits on a minion: a template, equipping, a class, tools, and safe retries and edits. */
import { ApiError, register, step } from "./support.ts";

type Spirit = { spirit_id: number; name: string; spirit_level: number; tools: string[] };
type Minion = { id: number; version: number; level: number; rank: string; spirits: Spirit[] };

const user = await register();

step("Create a minion from a template");
const body = { name: "ada", display_name: "Ada", model: "builtin/extractive", template_id: 1 };
// A retry with the same key creates nothing: it gets the first reply again.
const once = { "idempotency-key": "my-first-minion" };
type Created = { minion: Minion; skipped: { spirit: string; code: string }[] };
const { minion, skipped } = await user.post<Created>("/api/v2/minions", body, once);
const retried = await user.post<Created>("/api/v2/minions", body, once);
console.log(`minion ${minion.id}: ${minion.rank}, level ${minion.level}. The retry returned minion ${retried.minion.id}.`);
for (const { name, tools } of minion.spirits) console.log(`equipped  ${name} with ${tools.join(", ")}`);
for (const { spirit, code } of skipped) console.log(`skipped   ${spirit}: ${code}`);

step("Choose the spirits yourself");
const { spirits } = await user.put<{ spirits: Spirit[] }>(`/api/v2/minions/${minion.id}/spirits`, { spirit_ids: [1, 4] });
console.log(spirits.map(({ name }) => name).join(", "));

step("See what would fit, and what is missing for the others");
type Option = { name: string; is_equipped: boolean; missing: string | null };
const options = await user.get<{ spirits: Option[] }>(`/api/v2/minions/${minion.id}/spirits/available`);
for (const { name, is_equipped, missing } of options.spirits) {
  if (!is_equipped) console.log(`${name}: ${missing ?? "can be equipped"}`);
}

step("Preview the synergy with one more spirit");
type Synergy = { synergy: { net_performance: number }; spirits: string[] };
const preview = await user.get<Synergy>(`/api/v2/minions/${minion.id}/spirits/synergy?with=7`);
console.log(`${preview.spirits.join(" + ")}: net performance ${preview.synergy.net_performance} %`);

step("Assign a class, which equips its spirits in one step");
const assigned = await user.post<{ class: { class_name: string } }>(`/api/v2/minions/${minion.id}/class`, {
  class_name: "Swiss Army Knife",
});
console.log(`Ada is a ${assigned.class.class_name}.`);

step("List the tools of the minion");
type Tool = { name: string; spirit: string; mastery: string };
const { tools } = await user.get<{ tools: Tool[] }>(`/api/v2/minions/${minion.id}/tools`);
for (const { name, spirit, mastery } of tools) console.log(`${name}, ${spirit}, ${mastery}`);

step("Edit only the version that you have seen");
try {
  await user.patch(`/api/v2/minions/${minion.id}`, { visibility: "public" }, { "if-match": `"${minion.version}"` });
} catch (error) {
  console.log(error instanceof ApiError ? `Version ${minion.version} is outdated: ${error.status} ${error.code}` : error);
}
const current = await user.get<{ minion: Minion }>(`/api/v2/minions/${minion.id}`);
const edited = await user.patch<{ minion: Minion }>(
  `/api/v2/minions/${minion.id}`,
  { visibility: "public" },
  { "if-match": `"${current.minion.version}"` },
);
console.log(`Version ${current.minion.version} became version ${edited.minion.version}.`);

step("See what unlocks next");
type Unlock = { kind: string; name: string; xp_missing: number };
const progression = await user.get<{ next_unlocks: Unlock[] }>("/api/v2/me/progression");
for (const { kind, name, xp_missing } of progression.next_unlocks.slice(0, 3)) {
  console.log(`${kind} ${name}: ${xp_missing} experience to go`);
}
