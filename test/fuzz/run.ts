import { operations, type Listed } from "../support/openapi-operations.ts";
import { seededRandom } from "../support/random.ts";
import type { FakeVendor, Fault as VendorFault } from "../support/vendors/server.ts";
import { faultsOf, type Fault } from "./checks.ts";
import { requestGenerator, type Generated } from "./generate-request.ts";
import { curlOf, type FuzzRequest } from "./request.ts";
import { sendRequest, type FuzzReply } from "./send.ts";
import { shrink } from "./shrink.ts";
import { FuzzSockets } from "./sockets.ts";
import { createSender, isSignedIn, learnFrom, type World } from "./world.ts";

/** A failure: the first request with a fault of its kind at its operation. */
export type Failure = { number: number; target: string; fault: Fault; request: string; reply: string; count: number };

export type Options = {
  seed: number;
  requests: number;
  vendor: Pick<FakeVendor, "failNext">;
  onFailure(failure: Failure): void;
  onProgress(done: number): void;
};

/** Requests that are sent at once. */
const parallel = 4;

/** One message in so many is a frame on a socket. */
const frameShare = 7;

/** After so many requests, the senders and their resources are replaced, because many are deleted by then. */
const renewAfter = 600;

const vendorFaults: readonly VendorFault[] = [
  ...[400, 401, 404, 429, 500, 503].map((status) => ({ status })),
  ...(["cut", "unfinished", "garbage", "bytes", "redirect", "huge-line"] as const),
];

/** Operations that can end the session of the caller, or ban it. */
const isAboutAccounts = ({ path }: Listed) => /\/(auth|me|sessions|api-keys|admin)(\/|$)/.test(path);

/** Sends requests and frames, and reports every kind of failure once. @returns the failures, with how often each occurred */
export async function runFuzz(world: World, { seed, requests, vendor, onFailure, onProgress }: Options): Promise<Failure[]> {
  const generate = requestGenerator(world);
  const sockets = new FuzzSockets(world);
  const failures = new Map<string, Failure>();
  const isAdministrator = (sender: string) => sender === world.administrator.name;
  const check = (listed: Listed, request: FuzzRequest, reply: FuzzReply) =>
    faultsOf(listed, request, reply, world, isAdministrator(request.sender));

  async function record(
    number: number,
    target: string,
    faults: readonly Fault[],
    describe: (fault: Fault) => Promise<[string, string]>,
  ) {
    for (const fault of faults) {
      const key = `${target} ${fault.kind}`;
      const known = failures.get(key);
      if (known !== undefined) {
        known.count += 1;
        continue;
      }
      const [request, reply] = await describe(fault);
      const failure = { number, target, fault, request, reply, count: 1 };
      failures.set(key, failure);
      onFailure(failure);
    }
  }

  async function sendOne(number: number, listed: Listed, { sender, request }: Generated): Promise<void> {
    const reply = await sendRequest(world.api.url, request);
    await record(number, request.operationId, check(listed, request, reply), async ({ kind }) => {
      const fails = async (smaller: FuzzRequest) =>
        check(listed, smaller, await sendRequest(world.api.url, smaller)).some((fault) => fault.kind === kind);
      // A request that hangs costs its time limit at each attempt.
      const smallest = kind === "no reply" ? request : await shrink(request, fails);
      return [curlOf(world.api.url, smallest), replyText(reply)];
    });
    if (sender === undefined || reply.kind !== "reply" || reply.status >= 400) return;
    learnFrom(sender, parse(reply.body));
    if (listed.method !== "GET" && isAboutAccounts(listed)) await renewIfSignedOut(world);
  }

  try {
    for (let number = 1; number <= requests; number += parallel) {
      if (number > 1 && Math.floor(number / renewAfter) > Math.floor((number - parallel) / renewAfter)) {
        sockets.close();
        await renewSenders(world);
      }
      const batch = Array.from({ length: Math.min(parallel, requests - number + 1) }, (_, index) => number + index);
      const work = batch.map((each) => {
        const random = seededRandom(seed * 1_000_003 + each);
        const own = Math.floor(random() * 2 ** 31);
        if (random() < 0.05) vendor.failNext(vendorFaults[Math.floor(random() * vendorFaults.length)]!);
        if (each % frameShare === 0) {
          return async () => {
            const { target, frame, faults } = await sockets.send(own);
            const kind = target.endsWith(" me") ? "hub socket" : "room socket";
            await record(each, kind, faults, async () => [`${target}: ${frame.slice(0, 2_000)}`, ""]);
          };
        }
        const listed = operations[Math.floor(random() * operations.length)]!;
        const generated = generate(listed, own);
        return () => sendOne(each, listed, generated);
      });
      await Promise.all(work.map((run) => run()));
      onProgress(number + batch.length - 1);
    }
  } finally {
    sockets.close();
  }
  return [...failures.values()];
}

function replyText(reply: FuzzReply): string {
  if (reply.kind !== "reply") return JSON.stringify(reply);
  const lines = Object.entries(reply.headers).map(([name, value]) => `${name}: ${String(value)}`);
  return [`HTTP ${reply.status}`, ...lines, "", reply.body.toString().slice(0, 3_000)].join("\n");
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

async function renewIfSignedOut(world: World): Promise<void> {
  const everyone = [...world.senders, world.administrator];
  const signedIn = await Promise.all(everyone.map((sender) => isSignedIn(world, sender)));
  if (signedIn.includes(false)) await renewSenders(world);
}

let renewed = 0;

/** Replaces the senders and the administrator by new users with new resources. */
async function renewSenders(world: World): Promise<void> {
  renewed += 1;
  for (const [index, { name }] of world.senders.entries()) {
    world.senders[index] = await createSender(world, name, `${name} ${renewed}`);
  }
  const { name } = world.administrator;
  world.administrator = await createSender(world, name, `${name} ${renewed}`, ["user", "superuser"]);
}
