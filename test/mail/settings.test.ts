import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv as parseFile } from "node:util";
import { describe, expect, test, vi } from "vitest";
import { productionConfig } from "../../dev/wrangler/config.ts";
import { ensureSecrets } from "../../dev/wrangler/secrets.ts";
import { parseEnv } from "../../src/env.ts";
import { testSettings } from "../support/api.ts";

const production = { ...productionConfig().vars, ...testSettings("") };

const parse = (settings: object) => parseEnv({ ...production, ...settings } as unknown as Cloudflare.Env);

describe("the settings of mail", () => {
  test("all settings are optional", () => {
    expect(parse({})).toMatchObject({ RESEND_API_KEY: "", MAIL_FROM: "", RESEND_URL: "https://api.resend.com" });
  });

  test.each(["no-reply@example.com", "Spiritforge <no-reply@example.com>", "Ada & Co. <a.b+c@mail.example.com>"])(
    "%s is accepted as a sender",
    (sender) => {
      expect(parse({ MAIL_FROM: sender }).MAIL_FROM).toBe(sender);
    },
  );

  test.each([
    [{ MAIL_FROM: "Spiritforge" }, "MAIL_FROM: must be an address, or a name with an address in angle brackets"],
    [
      { MAIL_FROM: "Spiritforge <no-reply@example.com" },
      "MAIL_FROM: must be an address, or a name with an address in angle brackets",
    ],
    [
      { MAIL_FROM: "a@example.com\r\nBcc: b@example.com" },
      "MAIL_FROM: must be an address, or a name with an address in angle brackets",
    ],
    [{ RESEND_API_KEY: "re_key\n" }, "RESEND_API_KEY: contains characters that are not allowed in a key"],
    [{ RESEND_API_KEY: "dev-key" }, "RESEND_API_KEY: must not be a development value"],
    [{ RESEND_URL: "http://api.resend.com" }, "RESEND_URL: must be https"],
  ])("%j is refused in production", (settings, fault) => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    expect(() => parse(settings)).toThrow("The server is misconfigured");
    expect(logged.mock.calls.join()).toContain(fault);
    logged.mockRestore();
  });
});

test("development generates our own secrets and no key of a vendor", () => {
  const folder = mkdtempSync(join(tmpdir(), "spiritforge-secrets-"));
  try {
    const file = join(folder, ".dev.vars");
    expect(ensureSecrets(file, ".dev.vars.example")).not.toContain("RESEND_API_KEY");
    expect(parseFile(readFileSync(".dev.vars.example", "utf8"))).toHaveProperty("RESEND_API_KEY", "");
    expect(readFileSync(file, "utf8")).not.toContain("RESEND");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
