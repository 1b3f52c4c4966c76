import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildWorker, startWorkerd } from "../dev/workerd.ts";
import { alternate } from "./alternate.ts";
import { broadcasts, echoes, type Room } from "./chat-messages.ts";
import { median } from "./stats.ts";

/** Rounds that are not counted, until the JIT has settled. */
const warmUpRounds = 2;

/** Rooms of ours, whose name says how they are bound, beside the least that does the same. */
const objects = { KIT_ROOM: "KitRoom", BARE_ROOM: "BareRoom", BARE_BROADCAST: "BareBroadcast", PARTY_ROOM: "PartyRoom" };

/** Conversations: how fast messages come and go, and what a turn costs. */
export async function benchChat(rounds: number, seconds: number): Promise<void> {
  console.log("Building the Worker …");
  const folder = await mkdtemp(join(tmpdir(), "spiritforge-bench-"));
  const { modulePath } = await buildWorker(folder, "bench/chat-worker.ts");
  const workerd = await startWorkerd({ modulePath, objects });
  const room = (binding: keyof typeof objects): Room => {
    const isOurs = binding === "KIT_ROOM";
    const url = new URL(`/${binding}/${crypto.randomUUID()}${isOurs ? "?user=1" : ""}`, workerd.url);
    return { url, isOurs };
  };
  try {
    console.log(`Saying messages in turn, ${rounds} rounds of ${seconds} s each …`);
    const said = await alternate(warmUpRounds + rounds, {
      ours: () => echoes(room("KIT_ROOM"), seconds),
      bare: () => echoes(room("BARE_ROOM"), seconds),
      party: () => echoes(room("PARTY_ROOM"), seconds),
    });
    const ratio = <Sample>(samples: Sample[], of: (sample: Sample) => number) =>
      median(samples.slice(warmUpRounds).map(of)).toFixed(2);
    console.log(`acknowledged messages per s ${ratio(said, ({ ours }) => ours.perSecond)}`);
    console.log(`acknowledged messages ratio ${ratio(said, ({ ours, bare }) => ours.perSecond / bare.perSecond)}`);
    console.log(`acknowledged messages of partyserver ratio ${ratio(said, ({ ours, party }) => ours.perSecond / party.perSecond)}`);
    console.log(`acknowledged messages cpu ratio ${ratio(said, ({ ours, bare }) => bare.cpuMs / ours.cpuMs)}`);
    console.log(`ours, bare, party cpu µs ${ratio(said, ({ ours }) => 1000*ours.cpuMs)} ${ratio(said, ({ bare }) => 1000*bare.cpuMs)} ${ratio(said, ({ party }) => 1000*party.cpuMs)}`);
    const told = await alternate(warmUpRounds + rounds, {
      ours: () => broadcasts(room("KIT_ROOM"), seconds),
      bare: () => broadcasts(room("BARE_BROADCAST"), seconds),
    });
    console.log(`messages to 100 sockets per s ${ratio(told, ({ ours }) => ours.perSecond)}`);
    console.log(`fan-out ratio ${ratio(told, ({ ours, bare }) => ours.perSecond / bare.perSecond)}`);
    console.log(`fan-out cpu ratio ${ratio(told, ({ ours, bare }) => bare.cpuMs / ours.cpuMs)}`);
    console.log(`ours, bare cpu µs ${ratio(told, ({ ours }) => 1000*ours.cpuMs)} ${ratio(told, ({ bare }) => 1000*bare.cpuMs)}`);
  } finally {
    await workerd.close();
    await rm(folder, { recursive: true, force: true });
  }
}
