import { describe, expect, test } from "vitest";
import { createTestHarness } from "wrangler";

const settings = {
  DATABASE_URL: "postgres://test:test@localhost/test",
  NEON_PROXY: "",
  ADMIN_SECRET: "an-administration-secret-of-enough-length",
};

async function ask(env: string | undefined, vars: Record<string, string>, secrets: Record<string, string>) {
  const harness = createTestHarness({ workers: [{ configPath: "./wrangler.toml", ...(env ? { env } : {}), vars, secrets }] });
  try {
    await harness.listen();
    const reply = await harness.fetch("/health");
    const logs = harness.getLogs().map(({ message }) => message);
    return { status: reply.status, body: await reply.text(), logs: logs.join("\n") };
  } finally {
    await harness.close();
  }
}

describe("a misconfigured Worker", () => {
  test.each([
    [
      "a development secret in production",
      "production",
      {},
      { ADMIN_SECRET: `dev-${"x".repeat(40)}` },
      "ADMIN_SECRET: is a development value",
    ],
    [
      "a stand-in for Neon in production",
      "production",
      {},
      { NEON_PROXY: "http://127.0.0.1:1" },
      "NEON_PROXY: is for development",
    ],
    ["a secret too short", undefined, {}, { ADMIN_SECRET: "short" }, "ADMIN_SECRET: "],
    ["an address that is no Postgres", undefined, {}, { DATABASE_URL: "https://example.com" }, "DATABASE_URL: "],
    [
      "an origin that is a page",
      undefined,
      { CORS_ORIGINS: "https://example.com/page" },
      {},
      "CORS_ORIGINS.0: must be an origin",
    ],
    ["a time that is no number", undefined, { CATALOG_FRESH_SECONDS: "soon" }, {}, "CATALOG_FRESH_SECONDS: "],
  ])(
    "refuses to work with %s, says which setting in its log alone, and never the value",
    async (_, env, vars, wrong, fault) => {
      const secrets = { ...settings, ...wrong };
      const { status, body, logs } = await ask(env, vars, secrets);
      expect(status).toBe(503);
      expect(JSON.parse(body)).toMatchObject({ code: "misconfigured", success: false });
      expect(logs).toContain(fault);
      for (const value of Object.values(wrong)) expect(logs + body).not.toContain(value);
    },
  );

  test("works in production with values of its own", async () => {
    expect((await ask("production", {}, settings)).status).toBe(200);
  });
});
