import { toCount } from "../../gateway/provider-numbers.ts";
import { repairUsage } from "./repair-usage.ts";

/**
 * Repairs replies of servers that differ from OpenAI's protocol in details that an SDK refuses: numbers as strings, missing lists, unknown
 * roles. What cannot be repaired is left out, so that one odd field never ends an answer.
 */

export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Parses JSON; undefined if it is invalid. */
export function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** Repairs a chunk of a stream or a whole reply of Chat Completions. @returns whether it was changed */
export function repairCompletion(reply: JsonObject, part: "delta" | "message"): boolean {
  let isChanged = repairUsage(reply);
  const set = (target: JsonObject, name: string, value: unknown): void => {
    if (value === undefined) delete target[name];
    else target[name] = value;
    isChanged = true;
  };
  if (reply["error"] === null) set(reply, "error", undefined);
  repairError(reply, set);
  repairLabels(reply, set);
  if ("error" in reply) return isChanged;
  if (!Array.isArray(reply["choices"])) set(reply, "choices", []);
  const choices = reply["choices"] as unknown[];
  if (!choices.every(isObject)) set(reply, "choices", choices.filter(isObject));
  // Mistral's SDK reads the first choice also of an event that has only usage.
  if (part === "delta" && isObject(reply["usage"]) && (reply["choices"] as unknown[]).length === 0) set(reply, "choices", [{}]);
  for (const choice of reply["choices"] as JsonObject[]) repairChoice(choice, part, set);
  return isChanged;
}

type Set = (target: JsonObject, name: string, value: unknown) => void;

/** Errors in other shapes: a string, or the fields of the error at the top. */
function repairError(reply: JsonObject, set: Set): void {
  const { error, object, message, detail } = reply;
  if (typeof error === "string") set(reply, "error", { message: error });
  else if (isObject(error) && typeof error["message"] !== "string") {
    set(error, "message", JSON.stringify(error));
  } else if (error === undefined && !("choices" in reply) && (object === "error" || typeof detail === "string")) {
    set(reply, "error", { ...reply, message: typeof message === "string" ? message : JSON.stringify(detail ?? "") });
  }
  const code = isObject(reply["error"]) ? reply["error"]["code"] : undefined;
  if (typeof code === "object" && code !== null) set(reply["error"] as JsonObject, "code", undefined);
}

function repairLabels(reply: JsonObject, set: Set): void {
  for (const name of ["id", "model", "object", "system_fingerprint"]) {
    const label = reply[name];
    if (typeof label === "number") set(reply, name, String(label));
    else if (label != null && typeof label !== "string") set(reply, name, undefined);
  }
  const { created } = reply;
  if (created != null && typeof created !== "number") set(reply, "created", toCount(created));
}

function repairChoice(choice: JsonObject, part: "delta" | "message", set: Set): void {
  const other = part === "delta" ? "message" : "delta";
  if (!isObject(choice[part])) {
    const text = choice["text"];
    if (isObject(choice[other])) set(choice, part, choice[other]);
    else if (typeof text === "string") set(choice, part, { content: text });
    else set(choice, part, {});
  }
  const { index, finish_reason, logprobs } = choice;
  if (typeof index !== "number") set(choice, "index", toCount(index) ?? 0);
  if (finish_reason != null && (typeof finish_reason !== "string" || finish_reason === ""))
    set(
      choice,
      "finish_reason",
      typeof finish_reason === "object" && isObject(finish_reason) ? (finish_reason["type"] ?? null) : null,
    );
  if (logprobs != null && !isObject(logprobs)) set(choice, "logprobs", undefined);
  const message = choice[part];
  if (isObject(message)) repairMessage(message, set);
}

function repairMessage(message: JsonObject, set: Set): void {
  const { role, content, tool_calls } = message;
  if (role !== undefined && role !== "assistant") set(message, "role", undefined);
  if (typeof content === "number" || typeof content === "boolean") set(message, "content", String(content));
  else if (isObject(content)) set(message, "content", typeof content["text"] === "string" ? content["text"] : undefined);
  for (const name of ["reasoning", "reasoning_content"]) {
    if (message[name] != null && typeof message[name] !== "string") set(message, name, undefined);
  }
  if (tool_calls == null) return;
  const calls = Array.isArray(tool_calls) ? tool_calls.filter((call) => isObject(call) && isObject(call["function"])) : [];
  if (!Array.isArray(tool_calls) || calls.length < tool_calls.length) set(message, "tool_calls", calls);
  for (const call of calls as JsonObject[]) repairCall(call, set);
}

function repairCall(call: JsonObject, set: Set): void {
  const { id, index, type } = call;
  if (typeof id === "number") set(call, "id", String(id));
  if (index != null && typeof index !== "number") set(call, "index", toCount(index));
  if (type != null && typeof type !== "string") set(call, "type", "function");
  const called = call["function"] as JsonObject;
  const { arguments: input } = called;
  if (typeof input === "object" && input !== null) set(called, "arguments", JSON.stringify(input));
}

/**
 * Sorts embeddings by their `index`, which says to which text each belongs. Without any `index`, they are in the order of the texts.
 * @returns the fault if they cannot be matched to the texts
 */
export function sortEmbeddings(reply: JsonObject): string | undefined {
  const { data } = reply;
  if (!Array.isArray(data) || !data.every(isObject)) return undefined;
  const indexes = data.map((item) => toCount(item["index"]));
  const isMissing = (index: number | undefined) => index === undefined;
  const first = indexes.includes(data.length) ? 1 : 0;
  // One missing index is the one that no other has: servers that omit zeros omit that of the first text.
  if (data.length > 1 && indexes.filter(isMissing).length === 1)
    indexes[indexes.findIndex(isMissing)] = data.map((_, at) => at + first).find((at) => !indexes.includes(at));
  if (data.length > 1 && !indexes.every(isMissing)) {
    const order = indexes.map((index) => (index ?? Number.NaN) - first);
    const isWhole = new Set(order).size === data.length && order.every((at) => at >= 0 && at < data.length);
    if (!isWhole) return "The indexes of the embeddings do not match the texts.";
    const sorted: JsonObject[] = [];
    for (const [at, item] of data.entries()) sorted[order[at]!] = item;
    reply["data"] = sorted;
  }
  for (const [at, item] of (reply["data"] as JsonObject[]).entries()) Object.assign(item, { object: "embedding", index: at });
  reply["object"] = "list";
  repairUsage(reply);
  const { usage } = reply;
  if (isObject(usage) && typeof usage["prompt_tokens"] !== "number") {
    if (typeof usage["total_tokens"] === "number") usage["prompt_tokens"] = usage["total_tokens"];
    else delete reply["usage"];
  }
  return undefined;
}
