import { alternate } from "../support/interleave.ts";
import { broadcasts, echoes } from "./messages.ts";
import { millionTurnsUsd } from "./price.ts";
import { openChatRig } from "./setup.ts";
import { billedTurn, relayBare, relaySdk, relayTurn, resumeFrames } from "./turns.ts";
import { median } from "../support/stats.ts";

/** Rounds that are not counted, until the JIT has settled. */
const warmUpRounds = 2;

/** Conversations beside the least that does the same: how fast messages and answers come, and what a turn costs. */
export async function benchChat(rounds: number, seconds: number): Promise<void> {
  console.log("Starting Postgres, a provider and the Worker …");
  const rig = await openChatRig();
  const tell = <Sample>(name: string, samples: Sample[], of: (sample: Sample) => number, digits = 2) =>
    console.log(`${name} ${median(samples.slice(warmUpRounds).map(of)).toFixed(digits)}`);
  try {
    console.log(`Saying messages in turn, ${rounds} rounds of ${seconds} s each …`);
    const said = await alternate(warmUpRounds + rounds, {
      ours: async () => echoes({ url: await rig.newRoom("KIT_ROOM"), isOurs: true }, seconds),
      bare: async () => echoes({ url: await rig.newRoom("BARE_ROOM"), isOurs: false }, seconds),
      party: async () => echoes({ url: await rig.newRoom("PARTY_ROOM"), isOurs: false }, seconds),
    });
    const told = await alternate(warmUpRounds + rounds, {
      ours: async () => broadcasts({ url: await rig.newRoom("KIT_ROOM"), isOurs: true }, seconds),
      bare: async () => broadcasts({ url: await rig.newRoom("BARE_BROADCAST"), isOurs: false }, seconds),
      forgetful: async () => broadcasts({ url: await rig.newRoom("FORGETFUL_BROADCAST"), isOurs: false }, seconds),
    });
    console.log(`Taking turns of 4,000 chunks, ${rounds} rounds …`);
    const relayed = await alternate(warmUpRounds + rounds, {
      ours: async () => relayTurn(await rig.newRoom("CHAT_ROOM")),
      sdk: async () => relaySdk(await rig.newRoom("SDK_RELAY")),
      bare: async () => relayBare(await rig.newRoom("BARE_RELAY")),
    });
    const resumed = await resumeFrames(await rig.newRoom("CHAT_ROOM"));
    console.log("Taking a turn of 10 s …\n");
    const { billed, seconds: lasted } = await billedTurn(await rig.newRoom("METERED_ROOM"));

    tell("acknowledged messages per s", said, ({ ours }) => ours.perSecond, 0);
    tell("acknowledged messages ratio", said, ({ ours, bare }) => ours.perSecond / bare.perSecond);
    tell("acknowledged messages cpu ratio", said, ({ ours, bare }) => bare.cpuMs / ours.cpuMs);
    tell("acknowledged messages of partyserver ratio", said, ({ ours, party }) => ours.perSecond / party.perSecond);
    tell("fan-outs per s", told, ({ ours }) => ours.perSecond, 0);
    tell("fan-out ratio", told, ({ ours, bare }) => ours.perSecond / bare.perSecond);
    tell("fan-out cpu ratio", told, ({ ours, bare }) => bare.cpuMs / ours.cpuMs);
    tell(
      "fan-out of a broadcast that writes nothing ratio",
      told,
      ({ ours, forgetful }) => ours.perSecond / forgetful.perSecond,
    );
    tell("relayed chunks per s", relayed, ({ ours }) => ours, 0);
    tell("relay of a pass-through by the same SDK ratio", relayed, ({ ours, sdk }) => ours / sdk);
    tell("relay of a bare pass-through ratio", relayed, ({ ours, bare }) => ours / bare);
    console.log(`resume frames ${resumed}`);
    console.log(`rows written ${billed.rowsWritten}`);
    console.log(`million turns usd ${millionTurnsUsd(billed, lasted).toFixed(2)}`);
  } finally {
    await rig.close();
  }
}
