import { jobContext, type Ctx } from "../../src/context.ts";
import { constraintErrors } from "../../src/errors.ts";
import { hooks } from "../../src/feature-hooks.ts";
import { developmentConfig } from "../../dev/wrangler/config.ts";
import { testSettings } from "./api.ts";
import { watchAll } from "./canary.ts";

/** A KV namespace in memory, as far as services use one. */
function memoryKv() {
  const values = new Map<string, string>();
  return {
    get: async (key: string) => JSON.parse(values.get(key) ?? "null") as unknown,
    put: async (key: string, value: string) => {
      watchAll(`KV ${key}`, key + value);
      values.set(key, value);
    },
    delete: async (key: string) => void values.delete(key),
  };
}

/**
 * The bindings of the Worker for services that run in this process: the vars of development, a Postgres, a KV in memory, and what a
 * test gives beside.
 */
export function testBindings(bridgeUrl: string, given: Record<string, unknown> = {}): Cloudflare.Env {
  const { vars } = developmentConfig();
  const bindings = { ...vars, ...testSettings(bridgeUrl), CACHE: memoryKv(), ...given };
  return bindings as unknown as Cloudflare.Env;
}

/** Contexts of events in this process, and what they put off behind their replies. */
export function createTestContexts(bindings: Cloudflare.Env) {
  const deferred: Promise<unknown>[] = [];
  const lifetime = { waitUntil: (work: Promise<unknown>) => void deferred.push(work) };
  return {
    context: (job: string, requestId?: string): Ctx =>
      jobContext(job, { bindings, lifetime, hooks, constraintErrors, ...(requestId === undefined ? {} : { requestId }) }),
    /** Waits until nothing is put off any more. */
    async settled(): Promise<void> {
      while (deferred.length > 0) await Promise.allSettled(deferred.splice(0));
    },
  };
}
