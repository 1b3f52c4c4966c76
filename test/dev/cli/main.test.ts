import { createServer } from "node:http";
import { copyFile, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { allGone, runDev, runScript } from "../support/dev.ts";
import { listen, type Listening } from "../../../dev/listen.ts";
import { freePort } from "../../../dev/port.ts";
import { makeFolder, makeSeededFolder, removeFolder, scratchFolder } from "../support/scratch.ts";
import { sql } from "../support/sql.ts";

type Dev = ReturnType<typeof runDev>;

describe("npm run dev", () => {
  /** They run side by side: one from nothing, one on data that is there. */
  let fresh: Dev;
  let other: Dev;
  /** A server that `other` finds. */
  let ollama: Listening;

  beforeAll(async () => {
    fresh = runDev(await makeFolder(), await freePort());
    const seeded = await makeSeededFolder();
    await copyFile(".dev.vars.example", join(seeded, "secrets.vars"));
    ollama = await listen(
      createServer((_, response) => void response.end(JSON.stringify({ models: [{ name: "llama3.2:3b" }] }))),
    );
    other = runDev(seeded, await freePort(), { OLLAMA_HOST: ollama.host });
    await Promise.all([fresh.ready(), other.ready()]);
    return async () => {
      for (const dev of [fresh, other]) {
        dev.kill("SIGKILL");
        await dev.ended;
        await removeFolder(dev.folder);
      }
      await ollama.close();
    };
  });

  test("it prints its addresses and serves the API and its reference", async () => {
    await fresh.prints("first start: Postgres initialises its data folder, which takes a few seconds");
    await fresh.prints(`${fresh.url}/docs`);
    for (const { url } of [fresh, other]) {
      for (const path of ["/health", "/docs"]) expect((await fetch(url + path)).status).toBe(200);
      const health = await fetch(`${url}/api/v2/health`);
      expect([health.status, await health.json()]).toMatchObject([200, { services: { postgres: { status: "up" } } }]);
    }
  });

  test("its secrets are readable only by their owner and not visible in the process list", async () => {
    for (const file of ["secrets.vars", "development.vars", "instance.vars", "instance.json"]) {
      expect((await stat(join(fresh.folder, file))).mode & 0o777).toBe(0o600);
    }
    const secret = /dev-[\w-]+/.exec(await readFile(join(fresh.folder, "secrets.vars"), "utf8"))![0];
    const commands = (await fresh.children()).map(({ command }) => command);
    expect(commands.some((command) => command.includes("workerd"))).toBe(true);
    expect(commands.filter((command) => command.includes(secret))).toEqual([]);
  });

  test("instances are separate", async () => {
    await sql(await fresh.databaseUrl(), "CREATE TABLE mine AS SELECT 1 AS id");
    expect(await sql(await other.databaseUrl(), "SELECT to_regclass('mine') AS found")).toEqual([{ found: null }]);
  });

  test("it finds an Ollama server and offers its models for new minions, and embeds new knowledge bases with its own server", async () => {
    await other.prints(`Ollama at http://${ollama.host} offers ollama/llama3.2:3b`);
    const post = async (path: string, body: object, headers: Record<string, string> = {}) => {
      const init = { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) };
      const reply = await fetch(other.url + path, init);
      return [reply.status, await reply.json<Record<string, unknown>>()] as const;
    };
    const person = { username: "ada", email: "ada@example.com", password: "correct horse battery" };
    const [, { token }] = await post("/api/auth/register", person);
    const authorization = `Bearer ${String(token)}`;
    const minion = { name: "grace", display_name: "Grace", model: "ollama/llama3.2:3b" };
    const reply = await post("/api/v2/minions", minion, { authorization });
    expect(reply).toMatchObject([201, { minion: { model: minion.model, provider: "ollama" } }]);
    // The embedding server that it starts is known, too.
    const base = await post("/api/v2/knowledge-bases", { name: "Manuals" }, { authorization });
    expect(base).toMatchObject([201, { knowledge_base: { embedding_model: "local/universal-sentence-encoder" } }]);
  });

  test("the scripts connect to its database", async () => {
    const { code, output } = await runScript("drizzle/migrate.ts", fresh.folder).ended;
    expect([code, output]).toEqual([0, "The database is up to date.\n"]);
  });

  test("it refuses a used port and a folder in use", async () => {
    const taken = await runDev(await scratchFolder(), fresh.port).ended;
    expect(taken).toMatchObject({
      code: 1,
      output: `Port ${fresh.port} is taken: stop what listens there, or set PORT to another.\n`,
    });
    const inUse = await runDev(fresh.folder, await freePort()).ended;
    expect(inUse).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^Spiritforge is already running on .* folder\.\n$/),
    });
  });

  test("it refuses an unreachable database", async () => {
    const DATABASE_URL = `postgres://me:secret@127.0.0.1:${await freePort()}/db`;
    const { code, output } = await runDev(await scratchFolder(), await freePort(), { DATABASE_URL }).ended;
    expect(code).toBe(1);
    expect(output).toContain("cannot be used: connect ECONNREFUSED");
    expect(output).not.toContain("secret");
  });

  test("SIGTERM stops it and all of its processes", async () => {
    const processes = await other.children();
    other.kill("SIGTERM");
    expect(await other.ended).toMatchObject({ code: 0 });
    await allGone(processes);
  });

  test("SIGHUP stops it, also during the start", async () => {
    const dev = runDev(other.folder, other.port);
    await dev.prints("starting the Worker");
    const processes = await dev.children();
    dev.kill("SIGHUP");
    expect(await dev.ended).toMatchObject({ code: 0 });
    await allGone(processes);
  });

  test("killing it leaves no process, and the next start finds its data", async () => {
    const processes = await fresh.children();
    fresh.kill("SIGKILL");
    await allGone(processes);

    fresh = runDev(fresh.folder, fresh.port);
    await fresh.ready();
    expect(await sql(await fresh.databaseUrl(), "SELECT id FROM mine")).toEqual([{ id: 1 }]);
  });

  test("it exits with all of its processes if the Worker's process fails", async () => {
    const processes = await fresh.children();
    const wrangler = processes.find(({ command }) => / dev /.test(command) && !command.includes("process-group"));
    process.kill(wrangler!.pid, "SIGKILL");
    expect(await fresh.ended).toMatchObject({ code: 1, output: expect.stringContaining("wrangler ended by itself") });
    await allGone(processes);
  });
});
