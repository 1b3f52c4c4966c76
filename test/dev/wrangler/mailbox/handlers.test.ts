import { expect, test } from "vitest";
import { withMailbox } from "../../../../dev/wrangler/mailbox/handlers.ts";

/** A Worker that tells which bindings its handlers are called with. */
function observed() {
  const seen: object[] = [];
  const worker = {
    fetch(_request: Request, bindings: Cloudflare.Env) {
      seen.push(bindings);
      return new Response("from the Worker");
    },
    scheduled(_controller: ScheduledController, bindings: Cloudflare.Env) {
      seen.push(bindings);
    },
  };
  return { seen, handlers: withMailbox(worker) };
}

const request = new Request("http://localhost/health") as unknown as Parameters<ExportedHandlerFetchHandler>[0];
const bindingsOf = (more: object = {}) => ({ ENVIRONMENT: "development", CACHE: {}, ...more }) as unknown as Cloudflare.Env;
const execution = {} as ExecutionContext;

test("every handler receives the mailbox in the same bindings", async () => {
  const { seen, handlers } = observed();
  const bindings = bindingsOf();
  const reply = await (handlers.fetch as ExportedHandlerFetchHandler<Cloudflare.Env>)(request, bindings, execution);
  expect(await reply.text()).toBe("from the Worker");
  await (handlers.fetch as ExportedHandlerFetchHandler<Cloudflare.Env>)(request, bindings, execution);
  await (handlers.scheduled as ExportedHandlerScheduledHandler<Cloudflare.Env>)({} as ScheduledController, bindings, execution);
  expect(seen).toHaveLength(3);
  expect(seen[0]).toMatchObject({ ENVIRONMENT: "development", MAIL: { configured: true } });
  expect(new Set(seen).size).toBe(1);
  expect(bindings).not.toHaveProperty("MAIL");
});

test("with a Resend key the bindings are unchanged", async () => {
  const { seen, handlers } = observed();
  const bindings = bindingsOf({ RESEND_API_KEY: "re_key" });
  await (handlers.fetch as ExportedHandlerFetchHandler<Cloudflare.Env>)(request, bindings, execution);
  expect(seen).toEqual([bindings]);
  expect(seen[0]).toBe(bindings);
});
