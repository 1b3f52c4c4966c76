import { describe, expect, inject, onTestFinished, test } from "vitest";
import { startWorker } from "./support/worker.ts";

const workers = inject("built");

const settings = {
  DATABASE_URL: "postgres://test:test@localhost/test",
  NEON_PROXY: "",
  RESEND_API_KEY: "",
  AUTH_SECRET: "a-signing-secret-of-enough-length-000001",
  KEY_SECRETS: "a-key-secret-of-enough-length-0000000001",
};

describe("a misconfigured Worker", () => {
  test.each<[string, keyof typeof workers, Record<string, string>, Record<string, string>, string]>([
    [
      "a development secret in production",
      "production",
      {},
      { AUTH_SECRET: `dev-${"x".repeat(40)}` },
      "AUTH_SECRET: must not be a development value",
    ],
    [
      "a stand-in for Neon in production",
      "production",
      {},
      { NEON_PROXY: "http://127.0.0.1:1" },
      "NEON_PROXY: must be empty in production",
    ],
    [
      "a development secret for keys in production",
      "production",
      {},
      { KEY_SECRETS: `2:a-key-secret-of-enough-length-0000000002 1:dev-${"x".repeat(40)}` },
      "KEY_SECRETS: must not contain a development value",
    ],
    [
      "hosts of development in production",
      "production",
      { EGRESS_ALLOWED_HOSTS: "127.0.0.1:1" },
      {},
      "EGRESS_ALLOWED_HOSTS: must be empty in production",
    ],
    ["a secret for keys that is too short", "development", {}, { KEY_SECRETS: "7:short-one" }, "KEY_SECRETS.0.secret: "],
    [
      "two secrets for keys of one version",
      "development",
      {},
      { KEY_SECRETS: `2:${"x".repeat(40)} 2:${"y".repeat(40)}` },
      "KEY_SECRETS: must not contain a version twice",
    ],
    ["a secret too short", "development", {}, { AUTH_SECRET: "short" }, "AUTH_SECRET: "],
    ["an address that is no Postgres", "development", {}, { DATABASE_URL: "https://example.com" }, "DATABASE_URL: "],
    [
      "an origin that is a page",
      "development",
      { CORS_ORIGINS: "https://example.com/page" },
      {},
      "CORS_ORIGINS.0: must be an origin",
    ],
    ["a time that is no number", "development", { CATALOG_FRESH_SECONDS: "soon" }, {}, "CATALOG_FRESH_SECONDS: "],
  ])(
    "a Worker with %s refuses requests, names the setting only in its log, and never logs the value",
    async (_, env, vars, wrong, fault) => {
      const worker = await startWorker(workers[env], { ...settings, ...vars, ...wrong });
      onTestFinished(() => worker.close());
      const reply = await fetch(new URL("/health", worker.url));
      const body = await reply.text();
      expect(reply.status).toBe(503);
      expect(JSON.parse(body)).toMatchObject({ code: "misconfigured", success: false });
      await expect.poll(() => worker.logs().join("\n")).toContain(fault);
      for (const value of Object.values(wrong)) expect(worker.logs().join("\n") + body).not.toContain(value);
    },
  );

  test.each(Object.keys(workers) as (keyof typeof workers)[])(
    "a Worker with missing settings names them in its reply, in %s",
    async (env) => {
      const worker = await startWorker(workers[env], { ...settings, DATABASE_URL: "" });
      onTestFinished(() => worker.close());
      const reply = await fetch(new URL("/health", worker.url));
      expect(reply.status).toBe(503);
      expect(await reply.json()).toMatchObject({
        code: "misconfigured",
        detail:
          "DATABASE_URL is not set: run `npm run dev`, which needs no settings, or fill in .dev.vars for `npx wrangler dev`, " +
          "or run `npx wrangler secret put DATABASE_URL` for a deployed Worker.",
      });
    },
  );

  test("a production Worker with its own values works, and mail reports that it is not configured", async () => {
    const worker = await startWorker(workers.production, settings);
    onTestFinished(() => worker.close());
    expect((await fetch(new URL("/health", worker.url))).status).toBe(200);
    const reply = await fetch(new URL("/api/auth/forgot-password", worker.url), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ email: "ada@example.com" }),
    });
    expect(reply.status).toBe(503);
    expect(await reply.json()).toMatchObject({ code: "mail_unavailable", success: false });
  });
});
