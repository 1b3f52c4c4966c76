import { toCount } from "../../gateway/provider-numbers.ts";

type JsonObject = Record<string, unknown>;

const isObject = (value: unknown): value is JsonObject => typeof value === "object" && value !== null && !Array.isArray(value);

/** The members of a reply that contain its usage, in the protocols of all vendors. */
const holders = ["message", "response", "delta", "x_groq", "meta"];
const usages = ["usage", "usageMetadata", "billed_units", "tokens"];

/**
 * Repairs the token counts of a reply in place: digits in strings become numbers, and reasoning tokens that are not among the completion
 * tokens are added to them. @returns whether it was changed
 */
export function repairUsage(reply: JsonObject): boolean {
  let isChanged = false;
  for (const holder of [reply, ...holders.map((name) => reply[name])]) {
    if (!isObject(holder)) continue;
    for (const name of usages) {
      const usage = holder[name];
      if (isObject(usage)) isChanged = repairCounts(usage, 0) || isChanged;
      // In other protocols, this name has another meaning.
      if (name === "usage" && usage != null && !isObject(usage)) isChanged = delete holder[name];
      if (name === "usage" && isObject(usage)) isChanged = addReasoning(usage) || isChanged;
    }
  }
  return isChanged;
}

function repairCounts(usage: JsonObject, depth: number): boolean {
  let isChanged = false;
  for (const [name, value] of Object.entries(usage)) {
    if (isObject(value)) {
      if (depth < 3) isChanged = repairCounts(value, depth + 1) || isChanged;
    } else if (/details$/i.test(name) && value != null && !Array.isArray(value)) {
      isChanged = delete usage[name];
    } else if (typeof value === "string" && /tokens?$|count$/i.test(name)) {
      const count = toCount(value.replace(/\.0+$/, ""));
      if (count === undefined) delete usage[name];
      else usage[name] = count;
      isChanged = true;
    }
  }
  return isChanged;
}

/**
 * Adds reasoning tokens to the completion tokens of OpenAI's format if the server counts them beside, as xAI and Gemini do: they exceed
 * the completion tokens, or the total includes them once more.
 */
function addReasoning(usage: JsonObject): boolean {
  const [prompt, completion, total] = ["prompt_tokens", "completion_tokens", "total_tokens"].map((name) =>
    toCount(usage[name]),
  );
  if (completion === undefined) return false;
  const details = usage["completion_tokens_details"];
  const reasoning = toCount(isObject(details) ? details["reasoning_tokens"] : undefined) ?? toCount(usage["reasoning_tokens"]);
  const cached = isObject(usage["prompt_tokens_details"]) && toCount(usage["prompt_tokens_details"]["cached_tokens"]);
  const beside = total === undefined || prompt === undefined ? 0 : total - prompt - completion;
  const isBeside = reasoning === undefined ? beside > 0 && !cached : reasoning > completion || beside >= reasoning;
  const added = isBeside ? (reasoning ?? beside) : 0;
  const isTop = isObject(details) ? false : reasoning !== undefined;
  if (isTop) usage["completion_tokens_details"] = { reasoning_tokens: reasoning };
  if (added > 0) usage["completion_tokens"] = completion + added;
  const lacksTotal = total === undefined && prompt !== undefined;
  if (lacksTotal) usage["total_tokens"] = prompt + completion + added;
  return isTop || added > 0 || lacksTotal;
}
