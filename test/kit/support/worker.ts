import { EgressError, createGuardedFetch, type EgressSettings } from "../../../src/kit/egress/fetch.ts";
import { urlError } from "../../../src/kit/egress/urls.ts";
import { isPublicAddress } from "../../../src/kit/egress/addresses.ts";
import { openVault, type DataKeyRow, type Keyring } from "../../../src/kit/crypto/vault.ts";

/** What is done in workerd: with the guard of what goes out, and with the vault. */
export type Errand =
  | { kind: "judge"; urls: readonly string[]; settings: EgressSettings }
  | { kind: "classify"; addresses: readonly string[] }
  | { kind: "call"; url: string; settings: EgressSettings }
  | { kind: "rotate"; keyring: Keyring; row: DataKeyRow; sealed: string };

export type Outcome = { status: number; statusText: string; headers: Record<string, string>; text: string } | Failure;
export type Failure = { name: string; reason: string; message: string; status?: number };

export function failureOf(error: unknown): Failure {
  const { name, message } = error as Error;
  if (!(error instanceof EgressError)) return { name, message, reason: "" };
  return { name, message, reason: error.reason, ...(error.status === undefined ? {} : { status: error.status }) };
}

/** Calls a URL through the guard and reads what it answers. */
export async function call(url: string, settings: EgressSettings, init?: RequestInit): Promise<Outcome> {
  try {
    const response = await createGuardedFetch(settings)(url, init);
    const { status, statusText, headers } = response;
    return { status, statusText, headers: Object.fromEntries(headers), text: await response.text() };
  } catch (error) {
    return failureOf(error);
  }
}

/** What a call that is not refused meets when it is only judged. */
const nowhere: typeof fetch = () => Promise.reject(new Error("It went out."));

/** Opens what user 7 sealed for model 12, wraps their data key anew, and seals the same under that. */
async function rotate(keyring: Keyring, row: DataKeyRow, sealed: string) {
  const vault = openVault(keyring);
  const plaintext = await vault.open(row, 7, 12, sealed);
  const rewrapped = await vault.rewrap(row, 7);
  const fault = await vault.open(row, 8, 12, sealed).catch(String);
  return { plaintext, fault, row: rewrapped, sealed: await vault.seal(rewrapped, 7, 12, plaintext) };
}

async function run(errand: Errand): Promise<unknown> {
  if (errand.kind === "classify") return errand.addresses.map(isPublicAddress);
  if (errand.kind === "rotate") return rotate(errand.keyring, errand.row, errand.sealed);
  if (errand.kind === "call") return call(errand.url, errand.settings);
  const settings = { ...errand.settings, fetch: nowhere };
  return Promise.all(errand.urls.map(async (url) => [urlError(url, settings) ?? null, await call(url, settings)]));
}

export default {
  fetch: async (request) => Response.json(await run(await request.json<Errand>())),
} satisfies ExportedHandler;
