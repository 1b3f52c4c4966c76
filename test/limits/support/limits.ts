import { testSettings } from "../../support/api.ts";
import type { ProbedGate } from "./worker.ts";
import { createTestHarness, type WorkerHandle } from "wrangler";
import { developmentConfig } from "../../../dev/wrangler/config.ts";

type ProbeEnv = { SIGN_IN_GATE: DurableObjectNamespace<ProbedGate> };

/** Limits of the probe, a minute: few enough to meet them. */
export const probeLimits = { anonymous: 8, sign_in: 3, authenticated: 6, mutations: 4, expensive: 2 };

export type Probe = {
  /** Sends a request from an address with the credentials of a token. */
  send(path: string, from: { ip?: string; method?: string; token?: string }): Promise<Response>;
  worker: WorkerHandle<ProbeEnv>;
  logs(): string[];
  close(): Promise<void>;
};

/** The probe in workerd, bound as wrangler.toml says but for the numbers. `without` names rate limits that it lacks. */
export async function startProbe({ without = [] as string[], gate = true } = {}): Promise<Probe> {
  const config = developmentConfig();
  const limitOf = (name: string) => probeLimits[name.replace("LIMIT_", "").toLowerCase() as keyof typeof probeLimits];
  const harness = createTestHarness({
    workers: [
      {
        config: {
          name: "limits-probe",
          main: "test/limits/support/worker.ts",
          compatibility_date: config.compatibility_date,
          compatibility_flags: config.compatibility_flags,
          vars: {
            ...config.vars,
            RATE_LIMITS: probeLimits,
            ...testSettings(""),
          },
          kv_namespaces: config.kv_namespaces,
          ratelimits: config.ratelimits
            .filter(({ name }) => !without.includes(name))
            .map(({ name, namespace_id }) => ({ name, namespace_id, simple: { limit: limitOf(name), period: 60 } })),
          durable_objects: { bindings: gate ? [{ name: "SIGN_IN_GATE", class_name: "ProbedGate" }] : [] },
          migrations: gate ? [{ tag: "v1", new_sqlite_classes: ["ProbedGate"] }] : [],
        },
      },
    ],
  });
  const { url } = await harness.listen();
  return {
    send: (path, { ip, method = "GET", token }) =>
      fetch(new URL(path, url), {
        method,
        headers: {
          ...(ip === undefined ? {} : { "cf-connecting-ip": ip }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
      }),
    worker: harness.getWorker<ProbeEnv>(),
    logs: () => harness.getLogs().map(({ message }) => message),
    close: () => harness.close(),
  };
}

/** Local rate limits count by the minute of the clock: waits for the next one if this one ends within `seconds`. */
export async function settleInMinute(seconds: number): Promise<void> {
  const left = 60_000 - (Date.now() % 60_000);
  if (left < seconds * 1_000) await new Promise((resolve) => setTimeout(resolve, left + 50));
}
