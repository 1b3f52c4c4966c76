import type { Ctx } from "../../../context.ts";
import { AppError } from "../../../kit/errors.ts";
import { withR2Errors } from "../../../kit/storage/r2.ts";
import { WorkMeter } from "../../../kit/async/work-meter.ts";
import { log } from "../../../kit/log.ts";
import { TruncatedCellsError, pageReaders, type HubPage } from "./pages.ts";
import { fetchInfo, findSplit, HfRejectedError, type HfClient } from "./client.ts";
import { saveFetchedPage, readPendingDataset, type Imported } from "../progress.ts";
import { maxFileBytes } from "../../constants.ts";
import { UnreadableFileError } from "../../formats/types.ts";
import type { HfImport, StoredFile } from "../../tables.ts";

/** How long one job run fetches before it enqueues the next one, in ms. */
const sliceMs = 120_000;

/** Up to this number, rows are fetched page by page. More rows are first read from Parquet files. */
const fewRows = 300;

/** A Hugging Face dataset with rows left to fetch. */
type Missing = Imported & { hub: HfImport };

/**
 * Fetches the missing rows of a Hugging Face dataset. Each page is stored as a JSON Lines file and then recorded, so a
 * later run resumes with the next page, with either method: both give the same rows in the same order.
 * @returns `all` when complete, `more` when the time slice is over, `gone` if the dataset was deleted
 * @throws HubRefused; retryable errors
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

/** Resolves the split, its description, and the faster fetch method. */
async function plan(ctx: Ctx, hub: HfClient, dataset: Missing): Promise<void> {
  const split = await findSplit(hub, dataset.hub);
  // The description is optional.
  const { rows, ...about } = await fetchInfo(hub, split).catch(() => ({ rows: undefined, description: "", license: "" }));
  const wanted = Math.min(dataset.hub.limit, rows ?? dataset.hub.limit);
  const ways = wanted > fewRows ? (["parquet", "rows"] as const) : (["rows", "parquet"] as const);
  await saveFetchedPage(ctx, dataset, { hub: { ...dataset.hub, ...split, ways }, about });
}

/** Fetches until the dataset is complete, the time is over, or another run was faster. If a method fails, the other is next. */
async function fetchSome(ctx: Ctx, hub: HfClient, dataset: Missing, end: number): Promise<void> {
  let { hub: at, file_size: bytes } = dataset;
  const [way, ...others] = at.ways!;
  try {
    let offset = at.next_offset!;
    for await (const page of pageReaders[way!](hub, at, offset, new WorkMeter())) {
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
    // The server's error about the rows is more helpful than a fault of its Parquet files.
    const refusal = way === "rows" && !(error instanceof TruncatedCellsError) ? { refusal: why } : {};
    await saveFetchedPage(ctx, { id: dataset.id, hub: at }, { hub: { ...at, ways, ...refusal } });
  }
}

/** Stores a page under a unique key, so that a concurrent run overwrites nothing. @throws payload_too_large above the byte limit */
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
