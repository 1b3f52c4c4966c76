import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AppError } from "../../src/kit/errors.ts";
import { openMailer, type Mail } from "../../src/kit/mail.ts";
import { startFakeResend, vendorWords, type FakeResend } from "../support/fake-resend.ts";

const apiKey = "re_test_key_of_the_fake";
const from = "Spiritforge <no-reply@example.com>";

let resend: FakeResend;

beforeAll(async () => {
  resend = await startFakeResend(apiKey);
});

afterAll(() => resend.close());

beforeEach(() => {
  resend.mails.length = 0;
});

const mailer = (settings = {}) => openMailer({ apiKey, from, url: resend.url, userAgent: "mailer-test", ...settings });
const mail = (more: Partial<Mail> = {}): Mail => ({
  to: "ada@example.com",
  subject: "Grüße ✓",
  text: "Hello, Ada",
  key: crypto.randomUUID(),
  ...more,
});

/** The failure of a mail that could not be sent: what the client is told, and what the log is. */
async function failureOf(sending: Promise<void>): Promise<{ detail: string; cause: string }> {
  const error = await sending.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  expect(error).toBeInstanceOf(AppError);
  const { code, status, message, cause } = error as AppError;
  expect({ code, status }).toEqual({ code: "mail_unavailable", status: 503 });
  expect(message + String(cause)).not.toContain(vendorWords);
  expect(message + String(cause)).not.toContain(apiKey);
  return { detail: message, cause: (cause as Error).message };
}

describe("a configured mailer", () => {
  test("hands a mail to Resend, from whom the configuration says", async () => {
    const { configured, send } = mailer();
    expect(configured).toBe(true);
    await send(mail({ html: "<p>Hello, Ada</p>" }));
    expect(resend.mails).toEqual([
      { from, to: "ada@example.com", subject: "Grüße ✓", text: "Hello, Ada", html: "<p>Hello, Ada</p>" },
    ]);
  });

  test("sends the same key once, however often it is asked", async () => {
    const once = mail();
    await mailer().send(once);
    await mailer().send(once);
    expect(resend.mails).toHaveLength(1);
  });

  test("refuses another mail under a key that is taken", async () => {
    const first = mail();
    await mailer().send(first);
    expect(await failureOf(mailer().send({ ...first, text: "Another" }))).toEqual({
      detail: "The mail service rejected the mail.",
      cause: "Resend answered 409",
    });
    expect(resend.mails).toHaveLength(1);
  });

  test.each([429, 500] as const)(
    "says that mail is unavailable when Resend answers %i, and works the next time",
    async (status) => {
      resend.failNext(status);
      const again = mail();
      expect(await failureOf(mailer().send(again))).toEqual({
        detail: "The mail service rejected the mail.",
        cause: `Resend answered ${status}`,
      });
      await mailer().send(again);
      expect(resend.mails).toHaveLength(1);
    },
  );

  test("gives up on a slow Resend, and the repetition is still one mail", async () => {
    resend.delayNext(300);
    const slow = mail();
    expect(await failureOf(mailer({ timeoutMs: 50 }).send(slow))).toEqual({
      detail: "The mail service does not answer. Try again later.",
      cause: "Resend: TimeoutError",
    });
    await expect.poll(() => resend.mails.length).toBe(1);
    await mailer().send(slow);
    expect(resend.mails).toHaveLength(1);
  });

  test.each([
    ["a wrong key", { apiKey: "re_wrong" }, {}, "Resend answered 403"],
    ["a key that no header holds", { apiKey: "re_\nwrong" }, {}, "Resend: TypeError"],
    ["a mail without a subject", {}, { subject: "" }, "Resend answered 422"],
    ["an idempotency key that is too long", {}, { key: "k".repeat(257) }, "Resend answered 400"],
    ["nobody at the address", { url: "http://127.0.0.1:1" }, {}, "Resend: TypeError"],
  ])("says that mail is unavailable with %s", async (_, settings, more, cause) => {
    expect((await failureOf(mailer(settings).send(mail(more)))).cause).toBe(cause);
    expect(resend.mails).toHaveLength(0);
  });
});

describe("a mailer that is not configured", () => {
  test.each([
    ["a key", { apiKey: "" }, "RESEND_API_KEY not set"],
    ["a sender", { from: "" }, "MAIL_FROM not set"],
    ["either", { apiKey: "", from: "" }, "RESEND_API_KEY and MAIL_FROM not set"],
  ])("says so beforehand and when asked to send, without %s", async (_, settings, cause) => {
    const before = resend.requests();
    const { configured, send } = mailer(settings);
    expect(configured).toBe(false);
    expect(await failureOf(send(mail()))).toEqual({ detail: "This server is not configured to send mail.", cause });
    expect(resend.requests()).toBe(before);
  });
});
