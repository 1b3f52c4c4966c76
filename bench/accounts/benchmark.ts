import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { buildWorker, startWorkerd } from "../../dev/wrangler/workerd.ts";
import { authHeader, createUser } from "../../test/support/users.ts";
import { insertMinion } from "../../test/minions/support/minions.ts";
import { startBackend } from "../support/backend.ts";
import { interleave } from "../support/interleave.ts";
import { median } from "../support/stats.ts";

/** Minions of the two users whose lists are compared. */
const listSizes = { few: 10, many: 1_000 };

/** Sign-ins with wrong passwords per round, 10 ms apart. */
const attemptsPerRound = 100;

/** Compares times that must not differ: of unknown and known names at sign-in, of requests during an attack, of long and short lists. */
export async function benchAccounts(rounds: number): Promise<void> {
  console.log("Starting Postgres and the Worker …");
  const backend = await startBackend();
  const database = new Client(backend.databaseUrl);
  await database.connect();
  const { modulePath } = await buildWorker(backend.folder);
  const workerd = await startWorkerd({ modulePath, bindings: backend.bindings, log: () => {} });
  try {
    const sql = async (text: string, values?: unknown[]) => (await database.query(text, values)).rows;
    await compareTimes(workerd.url, { database: { sql } } as Parameters<typeof createUser>[0], rounds);
  } finally {
    await workerd.close();
    await database.end();
    await backend.close();
  }
}

async function compareTimes(url: string, api: Parameters<typeof createUser>[0], rounds: number): Promise<void> {
  const timeOf = async (path: string, init?: RequestInit) => {
    const start = performance.now();
    await (await fetch(url + path, init)).text();
    return performance.now() - start;
  };
  const signIn = (username: string, address: string) =>
    timeOf("/api/auth/login", {
      method: "POST",
      headers: { "content-type": "application/json", "cf-connecting-ip": address },
      body: JSON.stringify({ username, password: "a wrong password" }),
    });
  const listMinions = async (count: number) => {
    const owner = await createUser(api);
    for (let n = 0; n < count; n += 1) await insertMinion(api.database, owner.id, { display_name: `Minion ${n}` });
    return () => timeOf("/api/v2/minions?sort=experience&limit=10", { headers: authHeader(owner.token) });
  };

  console.log("Creating users and minions …");
  const known: Awaited<ReturnType<typeof createUser>>[] = [];
  for (let n = 0; n < rounds; n += 1) known.push(await createUser(api));
  const names = await api.database.sql("select username from users where id = any($1) order by id", [
    known.map(({ id }) => id),
  ]);
  const bystander = await createUser(api);
  const unrelated = () => timeOf("/api/v2/me", { headers: authHeader(bystander.token) });
  const [few, many] = [await listMinions(listSizes.few), await listMinions(listSizes.many)];
  await api.database.sql("analyze");
  for (const warmUp of [few, many, unrelated]) await warmUp();

  console.log(`Timing requests in turn, ${rounds} rounds …`);
  let round = 0;
  const samples = await interleave(rounds, {
    known: () => signIn(String(names[round]!["username"]), `203.0.113.${round}`),
    unknown: () => signIn(`stranger-${round}`, `203.0.114.${round++}`),
    few,
    many,
    quiet: () => medianOf(15, unrelated),
    attacked: async () => {
      const attack = Array.from({ length: attemptsPerRound }, (_, n) =>
        sleep(n * 10).then(() => signIn("attacked", `198.18.${round}.${n}`)),
      );
      const time = await medianOf(40, unrelated);
      await Promise.all(attack);
      return time;
    },
  });
  type Name = keyof (typeof samples)[number];
  const ratio = (a: Name, b: Name) => median(samples.map((sample) => sample[a] / sample[b])).toFixed(2);
  console.log(`sign-in unknown name ratio to known name ${ratio("unknown", "known")}`);
  console.log(`request during a sign-in attack ratio to a quiet server ${ratio("attacked", "quiet")}`);
  console.log(`page of ${listSizes.many} minions ratio to ${listSizes.few} minions ${ratio("many", "few")}`);
}

/** The median of `count` calls, 20 ms apart. */
async function medianOf(count: number, call: () => Promise<number>): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < count; n += 1) {
    await sleep(20);
    times.push(await call());
  }
  return median(times);
}
