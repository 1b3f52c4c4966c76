import type { Ctx } from "../context.ts";
import type { datasets } from "./tables.ts";

/**
 * Fetches what is missing of a dataset that is elsewhere.
 * @returns `all` once nothing is, `more` where the slice is over, `gone` where another is at it
 */
export type FetchPages = (ctx: Ctx, dataset: typeof datasets.$inferSelect) => Promise<"all" | "more" | "gone">;

export const fetchPages: FetchPages = async (_ctx, { hub }) => (hub === null ? "all" : "gone");
