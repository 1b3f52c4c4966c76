import type { Ctx } from "../context.ts";
import { AppError } from "../kit/errors.ts";
import { inStore } from "../kit/files.ts";
import { maxFileBytes } from "./kinds.ts";
import { fetchRows, findSplit, HubRefused, pageRows, type Hub } from "./huggingface.ts";
import { keepPage } from "./importing.ts";
import type { datasets, HubImport } from "./tables.ts";

/** How long one delivery of the job goes on fetching before it asks for the next, in ms. */
const sliceMs = 120_000;

type Imported = typeof datasets.$inferSelect;

/**
 * Fetches what is missing of a dataset that is at Hugging Face: each page is a file of JSON lines, and is noted once it is stored, so that
 * whoever goes on goes on with the next.
 * @returns `all` once nothing is missing, `more` where the slice is over, `gone` where the dataset is no more or a twin is at it
 * @throws HubRefused; what a retry can help
 */
export async function fetchPages(ctx: Ctx, dataset: Imported, ms = sliceMs): Promise<"all" | "more" | "gone"> {
  if (dataset.hub === null || dataset.hub.next_offset === null) return "all";
  const hub: Hub = { baseUrl: ctx.env.HF_DATASETS_URL, fetch: (...asked) => fetch(...asked) };
  const end = performance.now() + ms;
  let at: HubImport = { ...dataset.hub, ...(await findSplit(hub, dataset.hub)) };
  let bytes = dataset.file_size;
  while (at.next_offset !== null) {
    if (performance.now() >= end) return "more";
    const offset = at.next_offset;
    const length = Math.min(pageRows, at.limit - offset);
    const { records, total, truncated } = await fetchRows(hub, at, offset, length);
    if (truncated > 0) throw new HubRefused("Its cells are too long: the dataset server cuts them short.");
    const text = records.map((record) => `${JSON.stringify(record)}\n`).join("");
    const file = {
      key: `${dataset.folder}page-${String(offset).padStart(9, "0")}`,
      size: new TextEncoder().encode(text).length,
    };
    bytes += file.size;
    if (bytes > maxFileBytes)
      throw new AppError("payload_too_large", `It has more than ${maxFileBytes} bytes: ask for fewer rows.`);
    await inStore(ctx.env.FILES.put(file.key, text));
    const next = offset + records.length;
    const isLast = records.length < length || next >= at.limit || next === total;
    const kept: HubImport = { ...at, next_offset: isLast ? null : next };
    if (!(await keepPage(ctx, { id: dataset.id, hub: at }, { file, next: kept }))) return "gone";
    at = kept;
  }
  return "all";
}
