import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../dev/port.ts";
import { makeSeededFolder, removeFolder } from "./dev/support/scratch.ts";
import { runDev, runScript } from "./dev/support/dev.ts";
import { startFakeLlm, words, type FakeLlm } from "./support/fake-llm.ts";
import { openaiChat } from "./support/vendors/openai-chat.ts";
import { script } from "./support/vendors/script.ts";
import { startVendor, type FakeVendor } from "./support/vendors/server.ts";

const root = join(import.meta.dirname, "..");
const modelKey = "sk-example-1234";

/** What each example promises to print. */
const promised: Record<string, readonly (string | RegExp)[]> = {
  "quick-start": ["“A new bicycle can be returned within 30 days of delivery.” [1]", "[1]     bicycle-shop.md, characters"],
  accounts: ["Verified: yes.", "The second device is refused: 401", "It cannot create a minion: 403 forbidden"],
  caching: ["ETag: ", "status 304, 0 bytes", "status 422, application/problem+json"],
  catalog: ["Writer Spirit + Creative Spirit: +25 %", "Net performance: 3 %", "equation_solver"],
  "conversation-socket": ["message.completed", "“A new bicycle can be returned within 30 days of delivery.” [1]"],
  knowledge: ["1 of 1 rows kept", "4 chunks.", "The workshop closes at 17:00.", "After the rollback it has 4 chunks."],
  notifications: ["“bicycle-shop.md”", "notifications_read"],
  "own-model": ["fake-model is model", /The model answered in \d/, script.pieces.join(""), / calls, \d+ tokens in/],
  spirits: ["The retry returned minion", "Ada is a Swiss Army Knife.", "is outdated: 412", "experience to go"],
  streaming: [
    "The turn continues on the server.",
    "The streamed text is complete: yes.",
    "“What does the first inspection cost?”",
  ],
  "use-chat": [
    "2 messages, the last one is complete.",
    /Message \d+ became message \d+\./,
    /The answer was stopped after \d+ characters\./,
    "The request failed: fetch failed",
    "2 messages are left.",
    "The answer is complete: yes.",
  ],
};

describe("an example against npm run dev", () => {
  let dev: ReturnType<typeof runDev>;
  let slowModel: FakeLlm;
  let modelServer: FakeVendor;

  beforeAll(async () => {
    slowModel = await startFakeLlm();
    slowModel.replyWith({ pieces: words(40), everyMs: 25 });
    const models = { object: "list", data: [{ id: "fake-model", object: "model" }] };
    modelServer = await startVendor(openaiChat("/v1", models), modelKey);
    const folder = await makeSeededFolder();
    const hosts = [slowModel.host, new URL(modelServer.baseUrl).host];
    const example = readFileSync(join(root, ".dev.vars.example"), "utf8");
    writeFileSync(join(folder, "secrets.vars"), `${example}\nEGRESS_ALLOWED_HOSTS=${hosts.join(",")}\n`);
    dev = runDev(folder, await freePort());
    await dev.ready();
    return async () => {
      dev.kill("SIGTERM");
      await dev.ended;
      await Promise.all([slowModel.close(), modelServer.close(), removeFolder(folder)]);
    };
  });

  const models = (name: string): Record<string, string> => {
    if (name === "own-model") return { MODEL_URL: modelServer.baseUrl, MODEL_KEY: modelKey };
    if (name === "use-chat") return { MODEL_URL: slowModel.baseUrl, MODEL_NAME: "slow" };
    return {};
  };

  test.each(Object.entries(promised))("%s prints the documented output", async (name, lines) => {
    const { code, output } = await runScript("examples/main.ts", dev.folder, { API: dev.url, ...models(name) }, [name]).ended;
    for (const line of lines) expect(output).toMatch(line);
    expect(code, output).toBe(0);
  });

  test("use-chat also works with the built-in model, which answers at once", async () => {
    const { code, output } = await runScript("examples/use-chat.ts", dev.folder, { API: dev.url }).ended;
    expect(output).toMatch("The answer is complete: yes.");
    expect(code, output).toBe(0);
  });

  test("the quick start prints what the README shows", async () => {
    const readme = readFileSync(join(root, "README.md"), "utf8");
    const [, shown] = /```text\n(You .*?)```/s.exec(readme)!;
    const { output } = await runScript("examples/quick-start.ts", dev.folder, { API: dev.url }).ended;
    expect(output).toContain(shown);
  });
});

test("every example is run here", () => {
  const names = readdirSync(join(root, "examples")).filter((file) => /\.(ts|sh)$/.test(file));
  const examples = names
    .map((file) => file.replace(/\.\w+$/, ""))
    .filter((name) => !["main", "support", "chat-transport", "array-chat"].includes(name));
  expect(examples.toSorted()).toEqual(Object.keys(promised).toSorted());
});

test("an example without a server prints what to do", async () => {
  const API = `http://127.0.0.1:${await freePort()}`;
  const { code, output } = await runScript("examples/catalog.ts", root, { API }).ended;
  expect([code, output]).toEqual([1, expect.stringContaining(`No server answers at ${API}. Start one with \`npm run dev\``)]);
});
