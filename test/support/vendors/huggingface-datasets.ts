import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

type Failure = { status: number; code?: string; error: string; headers?: Record<string, string> };

export type FakeHub = {
  url: string;
  /** The rows of each split, by `dataset/config/split`. */
  splits: Record<string, Record<string, unknown>[]>;
  /** What was asked, in order: path and query. */
  asked: string[];
  /** What it answers next in place of what it would, one after the other. */
  failures: Failure[];
  close(): Promise<void>;
};

/** Hugging Face's dataset server, as far as we ask it: https://huggingface.co/docs/dataset-viewer. */
export async function startFakeHub(): Promise<FakeHub> {
  const hub: FakeHub = { url: "", splits: {}, asked: [], failures: [], close: async () => undefined };
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url!, "http://hub");
    hub.asked.push(request.url!);
    const send = (status: number, body: object, headers: Record<string, string> = {}) =>
      response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
    const refuse = ({ status, code, error, headers }: Failure) =>
      send(status, { error }, { ...headers, ...(code === undefined ? {} : { "x-error-code": code }) });
    const failure = hub.failures.shift();
    if (failure !== undefined) return refuse(failure);
    const dataset = searchParams.get("dataset")!;
    const all = Object.keys(hub.splits).filter((name) => name.startsWith(`${dataset}/`));
    if (all.length === 0) {
      const error = "The dataset does not exist, or is not accessible without authentication (private or gated).";
      return refuse({ status: 401, code: "ExternalUnauthenticatedError", error });
    }
    if (pathname === "/splits") {
      const splits = all.map((name) => {
        const [config, split] = name.slice(dataset.length + 1).split("/");
        return { dataset, config, split };
      });
      return send(200, { splits, pending: [], failed: [] });
    }
    const rows = hub.splits[`${dataset}/${searchParams.get("config")}/${searchParams.get("split")}`];
    const [offset, length] = [Number(searchParams.get("offset")), Number(searchParams.get("length"))];
    if (pathname !== "/rows" || rows === undefined)
      return refuse({ status: 404, code: "ResponseNotFound", error: "Not found." });
    if (length > 100)
      return refuse({ status: 422, code: "InvalidParameter", error: "Parameter 'length' must not be greater than 100" });
    return send(200, {
      features: Object.keys(rows[0] ?? {}).map((name, feature_idx) => ({
        feature_idx,
        name,
        type: { dtype: "string", _type: "Value" },
      })),
      rows: rows.slice(offset, offset + length).map((row, i) => ({ row_idx: offset + i, row, truncated_cells: [] })),
      num_rows_total: rows.length,
      num_rows_per_page: 100,
      partial: false,
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  hub.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  hub.close = () => new Promise((resolve) => server.close(() => resolve()));
  return hub;
}
