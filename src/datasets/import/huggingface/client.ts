import * as z from "zod";
import { waitingEvents } from "../../../kit/async/work-meter.ts";
import { AppError, validationError, PublicError } from "../../../kit/errors.ts";
import { parseExactJson } from "../../../kit/exact-json.ts";
import { JsonError, parseJson } from "../../../kit/json.ts";
import { providerErrors } from "../../../models/errors.ts";
import { secondsToWait } from "../../../kit/http/retry-after.ts";
import { toStorableText } from "../../../kit/db/text.ts";
import { excessOf } from "../../formats/json-bounds.ts";
import { isRecord } from "../../formats/records/columns.ts";

/** A client of Hugging Face's dataset server: https://huggingface.co/docs/dataset-viewer. */

/** Maximum rows per request. */
export const pageRows = 100;

/** Maximum bytes of a response, which is parsed at once, and its timeout in ms. */
const maxReplyBytes = 4 * 1024 * 1024;
const replyMs = 30_000;

/** A number of rows; null if the server reports none, or one that cannot be. */
const Count = z.int().min(0).nullish().catch(null);

/** Limits of a response: a page has up to 100 rows with many columns. */
const replyLimits = { maxDepth: 256, maxValues: 2_000_000 };

/** Maximum values of a response. A page of 100 rows of 2,000 columns has fewer. */
const maxReplyValues = 250_000;

const Splits = z.object({ splits: z.array(z.object({ config: z.string(), split: z.string() })).min(1) });

const Rows = z.object({
  rows: z.array(
    z.object({ row: z.custom<Record<string, unknown>>(isRecord), truncated_cells: z.array(z.string()).default([]) }),
  ),
  num_rows_total: Count,
  partial: z.boolean().default(false),
});

const Info = z.object({
  dataset_info: z.object({
    description: z.string().nullish(),
    license: z.string().nullish(),
    splits: z.record(z.string(), z.object({ num_examples: Count })).nullish(),
  }),
});

const HubFile = z.object({ split: z.string(), url: z.string(), size: z.int().min(0) });
const ParquetFiles = z.object({ parquet_files: z.array(HubFile), partial: z.boolean().default(false) });

const ErrorReply = z.object({ error: z.string() });

/** A permanent rejection by Hugging Face. The message tells the user why. */
export class HfRejectedError extends PublicError {
  override readonly name: string = "HfRejectedError";

  get failure(): AppError {
    return validationError([{ path: "dataset_id", in: "body", message: this.message }]);
  }
}

/** A response above the limit of bytes. */
class LargeReplyError extends HfRejectedError {
  override readonly name = "LargeReply";
}

export type HfClient = { baseUrl: string; fetch: typeof fetch };

/** A split of a configuration of a dataset. */
export type HubSplit = { dataset_id: string; config: string; split: string };

/** A Parquet file of the dataset server with a split or a part of it. */
export type HubFile = z.output<typeof HubFile>;

/**
 * Finds the split to import. Default: the dataset's first configuration, and its split `train` or else its first split.
 * @param split `config` and `split` may be empty
 * @throws HfRejectedError, which lists the available ones; provider_unavailable and provider_rate_limited, which are retryable
 */
export async function findSplit(hub: HfClient, { dataset_id, config, split }: HubSplit): Promise<HubSplit> {
  const { splits } = await getJson(hub, Splits, "splits", { dataset: dataset_id });
  const chosen = config || splits[0]!.config;
  const ofConfig = splits.filter((each) => each.config === chosen);
  if (ofConfig.length === 0) {
    throw new HfRejectedError(
      `${dataset_id} has no configuration ${config}; it has ${named(splits.map((each) => each.config))}.`,
    );
  }
  const names = ofConfig.map((each) => each.split);
  const found = split === "" ? (names.find((name) => name === "train") ?? names[0]!) : names.find((name) => name === split);
  if (found === undefined)
    throw new HfRejectedError(`${dataset_id} has no split ${split} in ${chosen}; it has ${named(names)}.`);
  return { dataset_id, config: chosen, split: found };
}

const named = (names: readonly string[]): string => Array.from(new Set(names)).slice(0, 20).join(", ");

/**
 * Fetches rows from an offset, at most `pageRows`, each with the names of its truncated cells. If they are too many bytes for one response,
 * it asks for fewer.
 * @returns also how many rows were asked for at last, the total number of rows, if known, and whether the server has only the beginning
 * of the split
 * @throws HfRejectedError; provider_unavailable and provider_rate_limited, which are retryable
 */
export async function fetchRows(hub: HfClient, { dataset_id, config, split }: HubSplit, offset: number, length: number) {
  for (let asked = length; ; asked = Math.ceil(asked / 4)) {
    const query = { dataset: dataset_id, config, split, offset: String(offset), length: String(asked) };
    try {
      const { rows, num_rows_total, partial } = await getJson(hub, Rows, "rows", query);
      return { rows: rows.slice(0, asked), asked, total: num_rows_total ?? undefined, partial };
    } catch (error) {
      if (!(error instanceof LargeReplyError)) throw error;
      if (asked === 1) throw new HfRejectedError(`Row ${offset + 1} exceeds the limit of ${maxReplyBytes} bytes.`);
    }
  }
}

/** Fetches the description, the license and the number of rows of a split; empty or undefined if unknown. @throws as `fetchRows` */
export async function fetchInfo(hub: HfClient, { dataset_id, config, split }: HubSplit) {
  const { dataset_info: info } = await getJson(hub, Info, "info", { dataset: dataset_id, config });
  return {
    description: toStorableText(info.description ?? "", 2_000),
    license: toStorableText(info.license ?? "", 200),
    rows: info.splits?.[split]?.num_examples ?? undefined,
  };
}

/** Lists the Parquet files of a split, in order, and whether they have only its beginning. @throws as `fetchRows` */
export async function listParquet(
  hub: HfClient,
  { dataset_id, config, split }: HubSplit,
): Promise<{ files: HubFile[]; partial: boolean }> {
  const { parquet_files, partial } = await getJson(hub, ParquetFiles, "parquet", { dataset: dataset_id, config });
  return { files: parquet_files.filter((file) => file.split === split), partial };
}

async function getJson<T extends z.ZodType>(
  hub: HfClient,
  schema: T,
  path: string,
  query: Record<string, string>,
): Promise<z.output<T>> {
  const url = `${hub.baseUrl}/${path}?${new URLSearchParams(query).toString()}`;
  const { reply, text } = await callHf(async () => {
    const response = await hub.fetch(url, { redirect: "manual", signal: AbortSignal.timeout(replyMs) });
    return { reply: response, text: await readAtMost(response, maxReplyBytes) };
  });
  if (!reply.ok) throw failureOfReply(reply, text);
  const { excess } = excessOf(text, maxReplyValues);
  await waitingEvents();
  if (excess !== undefined) throw new HfRejectedError(`A response of Hugging Face ${excess}.`);
  const parsed = schema.safeParse(json(text));
  if (!parsed.success) throw unavailable("Hugging Face returned an invalid response. Try again later.", parsed.error);
  return parsed.data;
}

const unavailable = (message: string, cause?: unknown) => new AppError(providerErrors.provider_unavailable, message, { cause });

/** Runs a call. @throws provider_unavailable if there is no response */
export async function callHf<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    if (cause instanceof PublicError || cause instanceof AppError) throw cause;
    throw unavailable("Hugging Face did not respond. Try again later.", cause);
  }
}

/** The error of a failed response: HfRejectedError, or a retryable error. */
export function failureOfReply({ status, headers }: Response, text: string): HfRejectedError | AppError {
  const reason = headers.get("x-error-code") ?? "";
  const words = toStorableText(ErrorReply.safeParse(json(text)).data?.error ?? "", 300);
  const suffix = words === "" ? "." : `: ${words}`;
  if (status === 429) {
    const seconds = waitOf(headers);
    const wait = seconds === null ? {} : { headers: { "retry-after": String(Math.ceil(seconds)) } };
    return new AppError(providerErrors.provider_rate_limited, "Hugging Face is rate limiting requests. Try again later.", wait);
  }
  if (isTransient(status, reason)) {
    const code = reason === "" ? status : `${status} ${reason}`;
    return unavailable(`Hugging Face is unavailable (${code})${suffix}`);
  }
  if (status === 401 || status === 403)
    return new HfRejectedError("The dataset is private, gated or missing. Only public datasets can be imported.");
  if (status === 404) return new HfRejectedError(`Hugging Face has no such dataset, or cannot serve its rows${suffix}`);
  return new HfRejectedError(`Hugging Face rejected the request (${reason || status})${suffix}`);
}

/** Seconds to wait before a retry, from `Retry-After` or from `RateLimit: "api";r=0;t=55`. */
function waitOf(headers: Headers): number | null {
  const limit = /;\s*t=(\d+)/.exec(headers.get("ratelimit") ?? "");
  return secondsToWait(headers.get("retry-after") ?? limit?.[1]);
}

/** Codes of temporary errors, and of permanent dataset errors among the status codes 500 and 501. */
const passing = /NotReady|NotAvailable|JobManager|Busy|Retryable|StillProcessing/i;
const permanentErrorPattern = new RegExp(
  "TooBig|TooMany|TooLong|TooComplex|Unsupported|NotSupported|NotFound|Script|Empty|Config|Features|NormalRows" +
    "|StreamingRows|ProcessingError|DatasetGeneration|FileFormat|SplitNames|SplitsNames|InfoError|BlockList|Mismatch",
  "i",
);

/** Whether a retry can succeed: the dataset is being prepared, or the server is unavailable. */
function isTransient(status: number, reason: string): boolean {
  return passing.test(reason) || (status >= 500 && !permanentErrorPattern.test(reason));
}

/** Parses a response; undefined if it is not JSON. @throws HfRejectedError if it exceeds the limits */
function json(text: string): unknown {
  try {
    return parseJson(text, replyLimits, parseExactJson);
  } catch (error) {
    if (error instanceof JsonError && error.cause === undefined)
      throw new HfRejectedError(`The dataset cannot be read: the response of Hugging Face ${error.message}.`);
    return undefined;
  }
}

async function readAtMost(reply: Response, limit: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of reply.body ?? []) {
    size += (chunk as Uint8Array).length;
    if (size > limit) throw new LargeReplyError(`A response of Hugging Face exceeds the limit of ${limit} bytes.`);
    text += decoder.decode(chunk as Uint8Array, { stream: true });
  }
  return text + decoder.decode();
}
