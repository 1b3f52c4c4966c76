import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { developmentConfig, productionConfig } from "../../dev/wrangler/config.ts";
import { buildWorker, startWorkerd } from "../../dev/wrangler/workerd.ts";
import { bodyOf, testSettings } from "../support/api.ts";
import { startFakeResend, vendorWords } from "../support/fake-resend.ts";

/** What each bundle holds, and what it does with mail in workerd. */

const apiKey = "re_test_key_of_the_fake";
const settings = testSettings("http://127.0.0.1:1");

const probes = ["test/mail/support/worker.ts", "test/mail/support/kept-worker.ts"] as const;
const built = inject("built");

let folder: string;
const bundles = {
  "src/index.ts": built.production.modulePath,
  "dev/wrangler/worker.ts": built.development.modulePath,
} as Record<"src/index.ts" | "dev/wrangler/worker.ts" | (typeof probes)[number], string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "spiritforge-mail-"));
  for (const entry of probes) {
    bundles[entry] = (await buildWorker(join(folder, entry.replaceAll("/", "-")), entry)).modulePath;
  }
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function inWorkerd(
  entry: keyof typeof bundles,
  bindings: Record<string, string>,
  work: (url: string) => Promise<void>,
): Promise<void> {
  const workerd = await startWorkerd({ modulePath: bundles[entry], bindings: { ...settings, ...bindings } });
  try {
    await work(workerd.url);
  } finally {
    await workerd.close();
  }
}

function postMail(url: string, key: string): Promise<Response> {
  const mail = { to: "ada@example.com", subject: "Hello", text: "Open https://example.com/verify?token=1&a=2.", key };
  return fetch(`${url}/mails`, { method: "POST", body: JSON.stringify(mail) });
}

test("production and development have different entry points", () => {
  expect(productionConfig()).toMatchObject({ name: "spiritforge", main: expect.stringMatching(/\/src\/index\.ts$/) });
  expect(developmentConfig().main).toMatch(/\/dev\/wrangler\/worker\.ts$/);
});

test("the production bundle does not contain the mailbox, and the development bundle does", async () => {
  const production = await readFile(bundles["src/index.ts"], "utf8");
  const development = await readFile(bundles["dev/wrangler/worker.ts"], "utf8");
  // What minifying keeps: strings, and the names of functions.
  const traces = [/["'`]mailbox:/, /openMailbox/, /withMailbox/, /mailboxPage/];
  expect(traces.filter((trace) => !trace.test(development))).toEqual([]);
  expect(traces.filter((trace) => trace.test(production))).toEqual([]);
});

test("the production bundle has no mailbox even with development settings", async () => {
  await inWorkerd("src/index.ts", {}, async (url) => {
    for (const path of ["/dev/mailbox", "/dev/mailbox.json"]) expect((await fetch(url + path)).status).toBe(404);
  });
});

test("a production Worker without a key reports missing mail without naming the setting to clients", async () => {
  await inWorkerd("test/mail/support/worker.ts", {}, async (url) => {
    expect(await bodyOf(await fetch(`${url}/configured`))).toEqual({ configured: false });
    const reply = await postMail(url, "first");
    expect(reply.status).toBe(503);
    const body = await reply.text();
    expect(JSON.parse(body)).toMatchObject({ code: "mail_unavailable", detail: "This server is not configured to send mail." });
    expect(body).not.toContain("RESEND_API_KEY");
  });
});

test("a production Worker with a key sends each mail once through Resend and never repeats its error text", async () => {
  const resend = await startFakeResend(apiKey);
  try {
    for (const entry of probes) {
      resend.mails.length = 0;
      await inWorkerd(entry, { RESEND_API_KEY: apiKey, RESEND_URL: `${resend.url}/` }, async (url) => {
        expect((await postMail(url, entry)).status).toBe(200);
        expect((await postMail(url, entry)).status).toBe(200);
        expect(resend.mails).toHaveLength(1);
        expect(resend.mails[0]).toMatchObject({ from: "Spiritforge <onboarding@resend.dev>", to: "ada@example.com" });
        resend.failNext(500);
        const failed = await postMail(url, `${entry} again`);
        expect(failed.status).toBe(503);
        expect(failed.headers.get("retry-after")).toBe("5");
        expect(await failed.text()).not.toContain(vendorWords);
      });
    }
  } finally {
    await resend.close();
  }
});

test("the mailbox of development has every mail once for each key", async () => {
  await inWorkerd("test/mail/support/kept-worker.ts", {}, async (url) => {
    expect(await bodyOf(await fetch(`${url}/configured`))).toEqual({ configured: true });
    for (const key of ["first", "first", "second"]) expect((await postMail(url, key)).status).toBe(200);
    const { success, mails, total } = await bodyOf(await fetch(`${url}/dev/mailbox.json`));
    expect({ success, total }).toEqual({ success: true, total: 2 });
    expect(mails.map(({ key }: { key: string }) => key)).toEqual(["second", "first"]);
  });
});
