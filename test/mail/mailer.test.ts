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
  test("a mail is sent to Resend from the configured sender", async () => {
    const { configured, send } = mailer();
    expect(configured).toBe(true);
    await send(mail({ html: "<p>Hello, Ada</p>" }));
    expect(resend.mails).toEqual([
      { from, to: "ada@example.com", subject: "Grüße ✓", text: "Hello, Ada", html: "<p>Hello, Ada</p>" },
    ]);
  });

  test("a mail with the same key is sent once", async () => {
    const once = mail();
    await mailer().send(once);
    await mailer().send(once);
    expect(resend.mails).toHaveLength(1);
  });

  test("another mail with the same key is refused", async () => {
    const first = mail();
    await mailer().send(first);
    expect(await failureOf(mailer().send({ ...first, text: "Another" }))).toEqual({
      detail: "The mail service rejected the mail.",
      cause: "Resend answered 409",
    });
    expect(resend.mails).toHaveLength(1);
  });

  test.each([429, 500] as const)(
    "mail_unavailable is thrown when Resend answers %i, and the next mail works",
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

  test("a slow Resend times out, and the retry does not send the mail twice", async () => {
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
    ["a key that is no valid header", { apiKey: "re_\nwrong" }, {}, "Resend: TypeError"],
    ["a mail without a subject", {}, { subject: "" }, "Resend answered 422"],
    ["an idempotency key above the maximum length", {}, { key: "k".repeat(257) }, "Resend answered 400"],
    ["an unreachable address", { url: "http://127.0.0.1:1" }, {}, "Resend: TypeError"],
  ])("mail_unavailable is thrown with %s", async (_, settings, more, cause) => {
    expect((await failureOf(mailer(settings).send(mail(more)))).cause).toBe(cause);
    expect(resend.mails).toHaveLength(0);
  });
});

describe("a mailer without configuration", () => {
  test.each([
    ["a key", { apiKey: "" }, "RESEND_API_KEY not set"],
    ["a sender", { from: "" }, "MAIL_FROM not set"],
    ["either", { apiKey: "", from: "" }, "RESEND_API_KEY and MAIL_FROM not set"],
  ])("without %s the mailer is unavailable before and when sending", async (_, settings, cause) => {
    const before = resend.requests();
    const { configured, send } = mailer(settings);
    expect(configured).toBe(false);
    expect(await failureOf(send(mail()))).toEqual({ detail: "This server is not configured to send mail.", cause });
    expect(resend.requests()).toBe(before);
  });
});
