/**
 * `npm run test:recovery`: kills the consumer of jobs with SIGKILL at twelve points of imports and builds, and checks that each ends by
 * itself within two minutes. It takes about five minutes, and is no part of the gate.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { freePort } from "../../dev/port.ts";
import { runCommand, UserError } from "../../dev/user-error.ts";
import { ApiClient } from "./client.ts";
import { DevInstance } from "./dev-instance.ts";

const limitSeconds = 120;

/** What works at the kill, and how far it is. */
type Work = { label: string; id: number; total: number; read(): Promise<{ status: string; done: number }> };
type Point = { label: string; at: string; seconds: number; result: string };

/** Each round kills once, while two imports and two builds work: when the first of one kind has this share behind it. */
const rounds = [
  { watched: "import", share: 0 },
  { watched: "build", share: 0.4 },
  { watched: "import", share: 0.8 },
] as const;

const importRows = [60_000, 30_000];
const buildRows = [4_000, 2_000];

const texts = (count: number, seed: string) =>
  Array.from(
    { length: count },
    (_, n) => `Entry ${n} of ${seed}: station ${(n * 7_919) % 104_729} reports ${(n * 31).toString(36)}.`,
  );

const isOver = (status: string) => ["ready", "complete", "failed"].includes(status);

async function startWork(client: ApiClient, round: number, sources: number[]): Promise<Work[]> {
  const works: Work[] = [];
  for (const [index, id] of sources.entries()) {
    const base = await client.build(`Base ${round}-${index}`, id);
    const read = async () => {
      const { status, chunk_count } = await client.buildOf(base);
      return { status, done: chunk_count };
    };
    works.push({ label: `build of ${buildRows[index]} chunks`, id: base, total: buildRows[index]!, read });
  }
  for (const [index, rows] of importRows.entries()) {
    const id = await client.upload(`rows-${round}-${index}`, texts(rows, `import ${round} ${index}`));
    const read = async () => {
      const { processing_status: status, processed_items: done } = await client.dataset(id);
      return { status, done };
    };
    works.push({ label: `import of ${rows} rows`, id, total: rows, read });
  }
  return works;
}

/** Reads how far the works are from Postgres: the Worker is busy with them. */
async function progressOf(database: Client, works: Work[]): Promise<{ status: string; done: number }[]> {
  const build = `select d.status, coalesce(sum(p.chunk_count), 0)::int as done from knowledge_builds d
    left join knowledge_build_parts bp on bp.build_id = d.id left join knowledge_parts p on p.id = bp.part_id
    where d.knowledge_base_id = $1 group by d.id`;
  const imported = "select processing_status as status, processed_items as done from datasets where id = $1";
  const states = [];
  for (const { label, id } of works) {
    const { rows } = await database.query<{ status: string; done: number }>(label.startsWith("build") ? build : imported, [id]);
    states.push(rows[0]!);
  }
  return states;
}

/** Waits until the watched kind of work is so far, or over. @returns how far each work is */
async function waitForPoint(database: Client, works: Work[], { watched, share }: (typeof rounds)[number]): Promise<string[]> {
  for (;;) {
    const states = await progressOf(database, works);
    const reached = works.some((work, index) => {
      const { status, done } = states[index]!;
      return work.label.startsWith(watched) && (done > share * work.total || isOver(status));
    });
    if (reached)
      return states.map(({ status, done }, index) => `${status}, ${Math.round((100 * done) / works[index]!.total)} %`);
    await sleep(200);
  }
}

async function waitForEnd({ label, read }: Work, at: string, killedAt: number): Promise<Point> {
  for (;;) {
    const { status } = await read();
    const seconds = (performance.now() - killedAt) / 1_000;
    if (isOver(status) || seconds > limitSeconds) return { label, at, seconds, result: status };
    await sleep(500);
  }
}

const isRecovered = ({ seconds, result }: Point) => seconds <= limitSeconds && ["ready", "complete"].includes(result);

function printTable(points: Point[]): void {
  const print = (cells: string[]) => console.log(cells.map((cell, index) => cell.padEnd([6, 26, 22, 14, 0][index]!)).join(""));
  print(["point", "work", "at the kill", "seconds to end", " result"]);
  for (const [index, { label, at, seconds, result }] of points.entries())
    print([String(index + 1), label, at, seconds.toFixed(1), ` ${result}`]);
}

await runCommand(async () => {
  const folder = await mkdtemp(join(tmpdir(), "spiritforge-recovery-"));
  const instance = new DevInstance(folder, await freePort());
  const points: Point[] = [];
  try {
    await instance.start();
    const client = new ApiClient(instance.url);
    await client.register("recovery");
    const sources: number[] = [];
    for (const [index, rows] of buildRows.entries())
      sources.push(await client.upload(`source-${index}`, texts(rows, `source ${index}`)));
    for (const id of sources) while ((await client.dataset(id)).processing_status !== "ready") await sleep(200);
    for (const [index, round] of rounds.entries()) {
      const works = await startWork(client, index, sources);
      const database = new Client({ connectionString: await instance.databaseUrl() });
      database.on("error", () => undefined);
      await database.connect();
      const states = await waitForPoint(database, works, round);
      const killedAt = performance.now();
      console.log(`kill ${index + 1} of ${rounds.length}: ${states.join("; ")}`);
      await instance.kill();
      await database.end().catch(() => undefined);
      await instance.start();
      points.push(...(await Promise.all(works.map((work, at) => waitForEnd(work, states[at]!, killedAt)))));
    }
  } finally {
    await instance.stop();
    await rm(folder, { recursive: true, force: true });
  }
  printTable(points);
  const late = points.filter((point) => !isRecovered(point));
  if (late.length > 0)
    throw new UserError(`${late.length} of ${points.length} points did not end well within ${limitSeconds} seconds.`);
});
