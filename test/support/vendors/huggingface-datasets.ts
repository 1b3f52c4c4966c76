import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { parquetWriteBuffer } from "hyparquet-writer";

/** How it fails; with a path, when it is asked for that. */
type Failure = { path?: string; status: number; code?: string; error: string; headers?: Record<string, string> };
type HubRow = Record<string, unknown>;

export type FakeHub = {
  url: string;
  /** The rows of each split, by `dataset/config/split`. */
  splits: Record<string, HubRow[]>;
  /** What datasets say of themselves, by `dataset/config`; of one that is left out it says nothing. */
  infos: Record<string, { description: string; license: string }>;
  /** How it makes Parquet files of splits; null where it made none. */
  parquet: { rowsPerFile: number; rowGroupSize: number } | null;
  /** What it has in place of Parquet files that it would make. */
  files: Uint8Array[] | null;
  /** Whether it has the beginning of everything alone. */
  partial: boolean;
  /** The bytes that a cell may have: what is longer is cut. */
  cellBytes: number;
  /** Where its files are redirected to. */
  storage: string;
  /** What was asked, in order: path and query, and for a file its range. */
  requests: string[];
  /** What it answers next in place of what it would, one after the other. */
  failures: Failure[];
  close(): Promise<void>;
};

/** What stands in a fake hub before a test says otherwise. */
const blank = () => ({
  splits: {},
  infos: {},
  parquet: { rowsPerFile: 300, rowGroupSize: 100 },
  files: null,
  partial: false,
  cellBytes: Infinity,
  requests: [],
  failures: [],
});

/** Forgets what a test told it. */
export function resetHub(hub: FakeHub): void {
  Object.assign(hub, blank(), { storage: hub.url });
}

/** Hugging Face's dataset server, as far as we ask it (https://huggingface.co/docs/dataset-viewer), and the store of its Parquet files. */
export async function startFakeHub(): Promise<FakeHub> {
  const hub: FakeHub = { ...blank(), url: "", storage: "", close: async () => undefined };
  const server = createServer((request, response) => answer(hub, request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  hub.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  hub.storage = hub.url;
  hub.close = () => new Promise((resolve) => server.close(() => resolve()));
  return hub;
}

function answer(hub: FakeHub, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(request.url!, "http://hub");
  const { range } = request.headers;
  hub.requests.push(range === undefined ? request.url! : `${request.url} ${range}`);
  const send = (status: number, body: object, headers: Record<string, string> = {}) =>
    void response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  const refuse = ({ status, code, error, headers }: Failure) =>
    send(status, { error }, { ...headers, ...(code === undefined ? {} : { "x-error-code": code }) });
  const [failure] = hub.failures;
  if (failure !== undefined && pathname.startsWith(failure.path ?? "/")) {
    hub.failures.shift();
    return refuse(failure);
  }
  if (pathname.startsWith("/datasets/"))
    return void response.writeHead(302, { location: hub.storage + stored(pathname) }).end();
  if (pathname.startsWith("/store/")) return sendFile(hub, pathname, range, response);

  const dataset = searchParams.get("dataset")!;
  const config = searchParams.get("config");
  const all = splitsOf(hub, dataset);
  if (all.length === 0) {
    const error = "The dataset does not exist, or is not accessible without authentication (private or gated).";
    return refuse({ status: 401, code: "ExternalUnauthenticatedError", error });
  }
  if (pathname === "/splits")
    return send(200, {
      splits: all.map((each) => ({ dataset, config: each.config, split: each.split })),
      pending: [],
      failed: [],
    });
  const ofConfig = all.filter((split) => split.config === config);
  const info = hub.infos[`${dataset}/${config}`];
  if (pathname === "/info" && info !== undefined) {
    const splits = ofConfig.map(({ split, rows }) => [split, { name: split, num_examples: rows.length }]);
    return send(200, { dataset_info: { ...info, splits: Object.fromEntries(splits) }, partial: hub.partial });
  }
  if (pathname === "/parquet" && (hub.parquet !== null || hub.files !== null)) {
    const parquet_files = ofConfig.flatMap(({ split }) =>
      filesOf(hub, dataset, config!, split).map(({ length: size }, i) => {
        const filename = `${String(i).padStart(4, "0")}.parquet`;
        const path = `${dataset}/resolve/refs%2Fconvert%2Fparquet/${config}/${split}/${filename}`;
        return { dataset, config, split, url: `${hub.url}/datasets/${path}`, filename, size };
      }),
    );
    return send(200, { parquet_files, features: {}, partial: hub.partial });
  }
  const rows = ofConfig.find(({ split }) => split === searchParams.get("split"))?.rows;
  const [offset, length] = [Number(searchParams.get("offset")), Number(searchParams.get("length"))];
  if (pathname !== "/rows" || rows === undefined) return refuse({ status: 404, code: "ResponseNotFound", error: "Not found." });
  if (length > 100)
    return refuse({ status: 422, code: "InvalidParameter", error: "Parameter 'length' must not be greater than 100" });
  return send(200, {
    features: Object.keys(rows[0] ?? {}).map((name, feature_idx) => ({
      feature_idx,
      name,
      type: { dtype: "string", _type: "Value" },
    })),
    rows: rows.slice(offset, offset + length).map((row, i) => ({ row_idx: offset + i, ...cut(row, hub.cellBytes) })),
    num_rows_total: rows.length,
    num_rows_per_page: 100,
    partial: hub.partial,
  });
}

const splitsOf = (hub: FakeHub, dataset: string) =>
  Object.entries(hub.splits)
    .filter(([name]) => name.startsWith(`${dataset}/`))
    .map(([name, rows]) => {
      const [config, split] = name.slice(dataset.length + 1).split("/") as [string, string];
      return { config, split, rows };
    });

/** Cells that are too long become the beginning of their JSON. */
function cut(row: HubRow, cellBytes: number) {
  const cells = Object.entries(row).map(([name, cell]) => {
    const bytes = Buffer.from(JSON.stringify(cell));
    return {
      name,
      isCut: bytes.length > cellBytes,
      cell: bytes.length > cellBytes ? bytes.toString("utf8", 0, cellBytes) : cell,
    };
  });
  return {
    row: Object.fromEntries(cells.map(({ name, cell }) => [name, cell])),
    truncated_cells: cells.filter(({ isCut }) => isCut).map(({ name }) => name),
  };
}

/** Where a file is stored, of which this is the address. */
const stored = (pathname: string) => pathname.replace("/datasets/", "/store/").replace("/resolve/refs%2Fconvert%2Fparquet", "");

function filesOf(hub: FakeHub, dataset: string, config: string, split: string): Uint8Array[] {
  if (hub.files !== null) return hub.files;
  const rows = hub.splits[`${dataset}/${config}/${split}`]!;
  const { rowsPerFile, rowGroupSize } = hub.parquet!;
  return Array.from({ length: Math.ceil(rows.length / rowsPerFile) }, (_, i) => {
    const part = rows.slice(i * rowsPerFile, (i + 1) * rowsPerFile);
    const columnData = Object.keys(part[0]!).map((name) => ({
      name,
      data: part.map((row) => row[name]),
      type: "STRING" as const,
    }));
    return new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize }));
  });
}

function sendFile(hub: FakeHub, pathname: string, range: string | undefined, response: ServerResponse): void {
  const [, owner, name, config, split, number] = /^\/store\/(.*?)\/(.*?)\/(.*?)\/(.*?)\/(\d+)\.parquet$/.exec(pathname)!;
  const file = filesOf(hub, `${owner}/${name}`, config!, split!)[Number(number)]!;
  const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? [];
  if (start === undefined) return void response.writeHead(200).end(file);
  const last = Math.min(Number(end), file.length - 1);
  response
    .writeHead(206, { "content-range": `bytes ${start}-${last}/${file.length}` })
    .end(file.subarray(Number(start), last + 1));
}
