import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { escapeHtml, linkify } from "../../../../dev/wrangler/mailbox/page.ts";
import { openMailbox, type KeptMail } from "../../../../dev/wrangler/mailbox/mailbox.ts";
import { bodyOf, testSettings } from "../../../support/api.ts";
import { mailsTo, newestMailTo } from "../../../support/mailbox.ts";
import { startWorker, type TestWorker } from "../../../support/worker.ts";

/** The Worker of development, and the KV namespace that its mailbox is in. */
let worker: TestWorker;
let url: URL;
let namespace: KVNamespace;

beforeAll(async () => {
  worker = await startWorker(inject("built").development, testSettings("http://127.0.0.1:1"));
  ({ url } = worker);
  namespace = (await worker.getEnv()).CACHE;
});

afterAll(() => worker.close());

beforeEach(async () => {
  const { keys } = await namespace.list({ prefix: "mailbox:" });
  await Promise.all(keys.map(({ name }) => namespace.delete(name)));
});

const api = { get: (path: string, init?: RequestInit) => fetch(new URL(path, url), init) };
const mail = (to: string, key: string, text = "Hello") => ({ to, subject: `About ${key}`, text, key });

describe("the mailbox", () => {
  test("it lists the mails, newest first, and filters by address regardless of case", async () => {
    const { send } = openMailbox(namespace);
    for (const [to, key] of [
      ["ada@example.com", "1"],
      ["bob@example.com", "2"],
      ["Ada@Example.com", "3"],
    ] as const) {
      await send(mail(to, key));
    }
    const all = await bodyOf(await api.get("/dev/mailbox.json"));
    expect(all).toMatchObject({ success: true, total: 3 });
    expect(all.mails.map(({ key }: KeptMail) => key)).toEqual(["3", "2", "1"]);
    expect((await mailsTo(api, "ada@example.com")).map(({ key }) => key)).toEqual(["3", "1"]);
    expect(await newestMailTo(api, "bob@example.com")).toEqual({
      ...mail("bob@example.com", "2"),
      sent_at: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(await mailsTo(api, "nobody@example.com")).toEqual([]);
  });

  test("it accepts one mail per key and refuses another, like Resend", async () => {
    const { send } = openMailbox(namespace);
    await send(mail("ada@example.com", "once"));
    await send(mail("ada@example.com", "once"));
    await expect(send(mail("ada@example.com", "once", "Another"))).rejects.toMatchObject({ code: "mail_unavailable" });
    expect(await mailsTo(api, "ada@example.com")).toHaveLength(1);
  });

  test("it keeps each mail for a day, up to its limit", async () => {
    const { send } = openMailbox(namespace, 3);
    for (const key of ["1", "2", "3", "4", "5"]) await send(mail("ada@example.com", key));
    expect((await mailsTo(api, "ada@example.com")).map(({ key }) => key)).toEqual(["5", "4", "3"]);
    const { keys } = await namespace.list({ prefix: "mailbox:" });
    for (const { expiration } of keys) expect(expiration! - Date.now() / 1_000).toBeGreaterThan(86_000);
  });

  test("it reads more mails than one KV request returns", async () => {
    const { send } = openMailbox(namespace);
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(Array.from({ length: 40 }, (_, index) => send(mail("ada@example.com", `${round}/${index}`))));
    }
    expect(await mailsTo(api, "ada@example.com")).toHaveLength(120);
  });
});

describe("/dev/mailbox", () => {
  test("it shows the mails as a page with links, and escapes their contents", async () => {
    const hostile = `<script>alert(1)</script> "https://example.com/?a=1&b='"><img src=x onerror=alert(1)> javascript:alert(1)`;
    const { send } = openMailbox(namespace);
    await send({ to: `"><i>@example.com`, subject: "<b>bold</b> & co", text: hostile, key: "hostile" });
    await send(mail("ada@example.com", "link", "Open https://example.com/verify?token=a_b-c&x=1. It lasts a day."));
    const reply = await api.get("/dev/mailbox");
    const page = await reply.text();
    expect(reply.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(reply.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(reply.headers.get("referrer-policy")).toBe("no-referrer");
    expect(reply.headers.get("cache-control")).toBe("no-store");
    expect(page).toContain('<a href="https://example.com/verify?token=a_b-c&#38;x=1" rel="noreferrer">');
    expect(page.indexOf("About link")).toBeLessThan(page.indexOf("bold"));
    const tags = new Set(Array.from(page.matchAll(/<\/?([a-z0-9]+)/gi), ([, name]) => name));
    for (const name of ["script", "img", "i", "b"]) expect(tags).not.toContain(name);
    expect(
      Array.from(page.matchAll(/href="([^"]*)"/g), ([, link]) => link).filter((link) => !link!.startsWith("https:")),
    ).toEqual(["/dev/mailbox.json"]);
  });

  test("it has an empty state and passes other requests to the Worker", async () => {
    expect(await (await api.get("/dev/mailbox")).text()).toContain("No mail yet.");
    expect((await api.get("/health")).status).toBe(200);
    expect((await api.get("/dev/mailboxes")).status).toBe(404);
    expect((await api.get("/dev/mailbox", { method: "POST" })).status).toBe(404);
  });

  test("it answers only local host names", async () => {
    const named = (host: string) => worker.fetch(`http://${host}/dev/mailbox.json`);
    expect((await named("localhost:8787")).status).toBe(200);
    for (const host of ["spiritforge.example.workers.dev", "rebound.example.com", "localhost.example.com"]) {
      expect((await named(host)).status).toBe(404);
    }
  });
});

test("linkify leaves out the end of a sentence and escapes the rest", () => {
  expect(linkify("(see http://a.example/x).")).toBe(
    '(see <a href="http://a.example/x" rel="noreferrer">http://a.example/x</a>).',
  );
  expect(linkify("ftp://a.example & <b>")).toBe(`ftp://a.example ${escapeHtml("& <b>")}`);
});
