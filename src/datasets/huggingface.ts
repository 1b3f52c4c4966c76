import * as z from "zod";
import { AppError, TellableError, invalid } from "../kit/errors.ts";

/** A client of Hugging Face's dataset server: https://huggingface.co/docs/dataset-viewer. */

/** The most rows that it gives at once. */
export const pageRows = 100;

/** Bytes of one of its replies, at most, and how long we wait for one, in ms. */
const maxReplyBytes = 20 * 1024 * 1024;
const replyMs = 30_000;

const Splits = z.object({ splits: z.array(z.object({ config: z.string(), split: z.string() })).min(1) });

const Rows = z.object({
  rows: z.array(z.object({ row: z.record(z.string(), z.unknown()), truncated_cells: z.array(z.string()).default([]) })),
  num_rows_total: z.int().min(0).nullish(),
});

const Refusal = z.object({ error: z.string() });

/** It refuses, and will again: the message says why, to whoever asked. */
export class HubRefused extends TellableError {
  override readonly name = "HubRefused";

  get failure(): AppError {
    return invalid([{ path: "dataset_id", in: "body", message: this.message }]);
  }
}

export type Hub = { baseUrl: string; fetch: typeof fetch };

/** A split of a configuration of a dataset. */
export type HubSplit = { dataset_id: string; config: string; split: string };

/**
 * The split that is meant: what is named, else the dataset's first configuration, and `train` or else the first split of that.
 * @param wanted empty where it is not named
 * @throws HubRefused, which says what there is; provider_unavailable where asking again can help
 */
export async function findSplit(hub: Hub, { dataset_id, config, split }: HubSplit): Promise<HubSplit> {
  const { splits } = await ask(hub, Splits, "splits", { dataset: dataset_id });
  const chosen = config || splits[0]!.config;
  const ofConfig = splits.filter((each) => each.config === chosen);
  if (ofConfig.length === 0) {
    throw new HubRefused(`${dataset_id} has no configuration ${config}; it has ${named(splits.map((each) => each.config))}.`);
  }
  const names = ofConfig.map((each) => each.split);
  const found = split === "" ? (names.find((name) => name === "train") ?? names[0]!) : names.find((name) => name === split);
  if (found === undefined) throw new HubRefused(`${dataset_id} has no split ${split} in ${chosen}; it has ${named(names)}.`);
  return { dataset_id, config: chosen, split: found };
}

const named = (names: readonly string[]): string => Array.from(new Set(names)).slice(0, 20).join(", ");

/**
 * Rows from an offset on, at most `pageRows`.
 * @returns the total number of rows, where it is told; and how many cells were cut short by the server
 * @throws HubRefused; provider_unavailable, provider_rate_limited where asking again can help
 */
export async function fetchRows(hub: Hub, { dataset_id, config, split }: HubSplit, offset: number, length: number) {
  const query = { dataset: dataset_id, config, split, offset: String(offset), length: String(length) };
  const { rows: given, num_rows_total } = await ask(hub, Rows, "rows", query);
  const rows = given.slice(0, length);
  const truncated = rows.reduce((sum, { truncated_cells }) => sum + truncated_cells.length, 0);
  return { records: rows.map(({ row }) => row), total: num_rows_total ?? undefined, truncated };
}

async function ask<T extends z.ZodType>(
  { baseUrl, fetch: through }: Hub,
  schema: T,
  path: string,
  query: Record<string, string>,
): Promise<z.output<T>> {
  const url = `${baseUrl}/${path}?${new URLSearchParams(query).toString()}`;
  const unavailable = (cause?: unknown) => new AppError("provider_unavailable", "Hugging Face does not answer.", { cause });
  let reply: Response;
  let text: string;
  try {
    reply = await through(url, { redirect: "manual", signal: AbortSignal.timeout(replyMs) });
    text = await readAtMost(reply, maxReplyBytes);
  } catch (cause) {
    if (cause instanceof HubRefused) throw cause;
    throw unavailable(cause);
  }
  if (reply.ok) {
    const parsed = schema.safeParse(json(text));
    if (!parsed.success) throw unavailable(parsed.error);
    return parsed.data;
  }
  const reason = reply.headers.get("x-error-code") ?? "";
  if (reply.status === 429) {
    const wait = reply.headers.get("retry-after");
    const headers = wait === null ? {} : { "retry-after": wait };
    throw new AppError("provider_rate_limited", "Hugging Face is asked too often.", { headers });
  }
  if (isPassing(reply.status, reason)) throw unavailable(`${reply.status} ${reason}`);
  throw new HubRefused(refusalOf(reply.status, reason, text));
}

/** Whether the same question can be answered later: it is being prepared, or the server is out. */
function isPassing(status: number, reason: string): boolean {
  if (/NotReady|NotAvailable|JobManager|Busy/i.test(reason)) return true;
  return status >= 500 && !/TooBig|Unsupported|NotSupported|DatasetScript|Empty|Config|Features|Normalized/i.test(reason);
}

function refusalOf(status: number, reason: string, text: string): string {
  if (status === 401 || status === 403)
    return "Hugging Face shows it to nobody without leave: it is private or gated, or there is none.";
  const said = Refusal.safeParse(json(text)).data?.error.slice(0, 300);
  if (status === 404) return `Hugging Face has no such dataset, or none that can be read row by row${said ? `: ${said}` : "."}`;
  return `Hugging Face refuses it (${reason || status})${said ? `: ${said}` : "."}`;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function readAtMost(reply: Response, limit: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of reply.body ?? []) {
    size += (chunk as Uint8Array).length;
    if (size > limit) throw new HubRefused(`A page of its rows has more than ${limit} bytes.`);
    text += decoder.decode(chunk as Uint8Array, { stream: true });
  }
  return text + decoder.decode();
}
