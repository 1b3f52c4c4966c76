/** The Worker of development: that of production, and a mailbox. Local data is kept under its name. */
export const developmentWorker = { name: "spiritforge-development", main: "dev/wrangler/worker.ts" };

/** What development replaces of the vars of wrangler.toml: for `npm run dev`, tests and benchmarks. */
export const developmentVars = {
  ENVIRONMENT: "development",
  PUBLIC_URL: "http://127.0.0.1:8787",
  CORS_ORIGINS: "http://localhost:3000 http://localhost:5173",
  /** Resend delivers mail from this sender only to the owner of the key. */
  MAIL_FROM: "Spiritforge <onboarding@resend.dev>",
  DNS_RESOLVER_URL: "",
};
