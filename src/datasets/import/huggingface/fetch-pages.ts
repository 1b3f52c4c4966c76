import type { Ctx } from "../../../context.ts";
import { AppError } from "../../../kit/errors.ts";
import { withR2Errors } from "../../../kit/storage/r2.ts";
import { log } from "../../../kit/log.ts";
import { TruncatedCellsError, pageReaders, type HubPage } from "./pages.ts";
import { fetchInfo, findSplit, HfRejectedError, type HfClient } from "./client.ts";
import { saveFetchedPage, readPendingDataset, type Imported } from "../progress.ts";
import { maxFileBytes } from "../../constants.ts";
import { UnreadableFileError } from "../../formats/types.ts";
import type { HfImport, StoredFile } from "../../tables.ts";

/** How long one delivery of the job goes on fetching before it asks for the next, in ms. */
const sliceMs = 120_000;

/** Up to so many rows are asked for page by page; more are read out of Parquet files first. */
const fewRows = 300;

/** A dataset that is at Hugging Face, of which something is missing. */
type Missing = Imported & { hub: HfImport };

/**
 * Fetches what is missing of a dataset that is at Hugging Face. Each page is a file of JSON lines, and is noted once it is stored, so that
 * whoever goes on goes on with the next, by the same way or by the other: both give the same rows in the same order.
 * @returns `all` once nothing is missing, `more` where the slice is over, `gone` where the dataset is no more
 * @throws HubRefused; what a retry can help
 */
export async function fetchPages(ctx: Ctx, dataset: Imported, ms = sliceMs): Promise<"all" | "more" | "gone"> {
  const hub: HfClient = { baseUrl: ctx.env.HF_DATASETS_URL, fetch: (...args) => fetch(...args) };
  const end = performance.now() + ms;
  for (let now: Imported | undefined = dataset; now !== undefined; now = await readPendingDataset(ctx, dataset.id)) {
    const at = now.hub;
    if (at === null || at.next_offset === null) return "all";
    if (performance.now() >= end) return "more";
    const missing = { ...now, hub: at };
    await (at.ways === undefined ? plan(ctx, hub, missing) : fetchSome(ctx, hub, missing, end));
  }
  return "gone";
}

/** Finds out which split is meant, what it says of itself, and by which way its rows are had sooner. */
async function plan(ctx: Ctx, hub: HfClient, dataset: Missing): Promise<void> {
  const split = await findSplit(hub, dataset.hub);
  // What it says of itself can be done without.
  const { rows, ...about } = await fetchInfo(hub, split).catch(() => ({ rows: undefined, description: "", license: "" }));
  const wanted = Math.min(dataset.hub.limit, rows ?? dataset.hub.limit);
  const ways = wanted > fewRows ? (["parquet", "rows"] as const) : (["rows", "parquet"] as const);
  await saveFetchedPage(ctx, dataset, { hub: { ...dataset.hub, ...split, ways }, about });
}

/** Fetches until nothing is missing, the time is over, or a twin was quicker. Where its way is barred, the other one is next. */
async function fetchSome(ctx: Ctx, hub: HfClient, dataset: Missing, end: number): Promise<void> {
  let { hub: at, file_size: bytes } = dataset;
  const [way, ...others] = at.ways!;
  try {
    let offset = at.next_offset!;
    for await (const page of pageReaders[way!](hub, at, offset)) {
      const file = await storePage(ctx, dataset, offset, page, maxFileBytes - bytes);
      offset += page.lines.length;
      bytes += file.size;
      const next = { ...at, next_offset: offset, ...(page.partial ? { partial: true } : {}) };
      const saved = await saveFetchedPage(ctx, { id: dataset.id, hub: at }, { hub: next, file });
      if (saved === undefined) return await withR2Errors(ctx.env.FILES.delete(file.key));
      at = saved;
      if (performance.now() >= end) return;
    }
    await saveFetchedPage(ctx, { id: dataset.id, hub: at }, { hub: { ...at, next_offset: null } });
  } catch (error) {
    if (!(error instanceof HfRejectedError || error instanceof UnreadableFileError)) throw error;
    const why = error instanceof UnreadableFileError ? `A Parquet file of the dataset ${error.message}` : error.message;
    if (others.length === 0) throw new HfRejectedError(at.refusal ?? why, { cause: error });
    log("info", "A Hugging Face dataset is fetched with another method.", { dataset_id: dataset.id, way, why });
    const ways = error instanceof TruncatedCellsError ? [...others, way!] : others;
    // What the server says of the rows is more to the point than what is wrong with files that it made of them.
    const refusal = way === "rows" && !(error instanceof TruncatedCellsError) ? { refusal: why } : {};
    await saveFetchedPage(ctx, { id: dataset.id, hub: at }, { hub: { ...at, ways, ...refusal } });
  }
}

/** Stores a page under a key of its own, so that a twin overwrites nothing. @throws payload_too_large where it has more bytes than are left */
async function storePage(ctx: Ctx, { folder }: Missing, offset: number, page: HubPage, left: number): Promise<StoredFile> {
  const bytes = new TextEncoder().encode(page.lines.map((line) => `${line}\n`).join(""));
  if (bytes.length > left)
    throw new AppError("payload_too_large", `The dataset exceeds the limit of ${maxFileBytes} bytes. Import fewer rows.`);
  const key = `${folder}page-${String(offset).padStart(9, "0")}-${crypto.randomUUID()}`;
  await withR2Errors(ctx.env.FILES.put(key, bytes));
  const problems = Array.from(Map.groupBy(page.problems, ({ message }) => message).values(), (alike) => ({
    ...alike[0]!,
    position: alike.map(({ position }) => position),
  }));
  return { key, size: bytes.length, ...(problems.length === 0 ? {} : { problems }) };
}
