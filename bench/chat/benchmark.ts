import { interleave } from "../support/interleave.ts";
import { median } from "../support/stats.ts";
import { benchEcho, benchFanout } from "./messages.ts";
import { millionTurnsUsd } from "./price.ts";
import { openChatSetup } from "./setup.ts";
import { benchRawRelay, benchRoomRelay, benchSdkRelay, countResumeFrames, measureBilledTurn } from "./turns.ts";

/** Rounds before measurement, in which the JIT compiler settles. */
const warmUpRounds = 2;

/** Compares rooms to minimal Durable Objects: throughput of messages and answers. Also measures the price of a turn. */
export async function benchChat(rounds: number, seconds: number): Promise<void> {
  console.log("Starting Postgres, a provider and the Worker …");
  const setup = await openChatSetup();
  const print = <Sample>(name: string, samples: Sample[], value: (sample: Sample) => number, digits = 2) =>
    console.log(`${name} ${median(samples.slice(warmUpRounds).map(value)).toFixed(digits)}`);
  try {
    console.log(`Sending messages in turn, ${rounds} rounds of ${seconds} s each …`);
    const echoes = await interleave(warmUpRounds + rounds, {
      room: async () => benchEcho({ url: await setup.newRoom("ECHO_ROOM"), isSequenced: true }, seconds),
      baseline: async () => benchEcho({ url: await setup.newRoom("BASELINE_ECHO"), isSequenced: false }, seconds),
      partyserver: async () => benchEcho({ url: await setup.newRoom("PARTYSERVER_ECHO"), isSequenced: false }, seconds),
    });
    const fanouts = await interleave(warmUpRounds + rounds, {
      room: async () => benchFanout({ url: await setup.newRoom("ECHO_ROOM"), isSequenced: true }, seconds),
      baseline: async () => benchFanout({ url: await setup.newRoom("BASELINE_BROADCAST"), isSequenced: false }, seconds),
      transient: async () => benchFanout({ url: await setup.newRoom("TRANSIENT_BROADCAST"), isSequenced: false }, seconds),
    });
    console.log(`Running turns of 4,000 chunks, ${rounds} rounds …`);
    const relays = await interleave(warmUpRounds + rounds, {
      room: async () => benchRoomRelay(await setup.newRoom("CHAT_ROOM")),
      sdk: async () => benchSdkRelay(await setup.newRoom("SDK_RELAY")),
      raw: async () => benchRawRelay(await setup.newRoom("RAW_RELAY")),
    });
    const resumeFrames = await countResumeFrames(await setup.newRoom("CHAT_ROOM"));
    console.log("Running a turn of 10 s …\n");
    const billed = await measureBilledTurn(await setup.newRoom("METERED_ROOM"));

    print("acknowledged messages per s", echoes, ({ room }) => room.perSecond, 0);
    print("acknowledged messages ratio to baseline", echoes, ({ room, baseline }) => room.perSecond / baseline.perSecond);
    print("acknowledged messages cpu ratio to baseline", echoes, ({ room, baseline }) => baseline.cpuMs / room.cpuMs);
    print(
      "acknowledged messages ratio to partyserver",
      echoes,
      ({ room, partyserver }) => room.perSecond / partyserver.perSecond,
    );
    print("fan-outs per s", fanouts, ({ room }) => room.perSecond, 0);
    print("fan-out ratio to baseline", fanouts, ({ room, baseline }) => room.perSecond / baseline.perSecond);
    print("fan-out cpu ratio to baseline", fanouts, ({ room, baseline }) => baseline.cpuMs / room.cpuMs);
    print(
      "fan-out ratio to a broadcast without storage",
      fanouts,
      ({ room, transient }) => room.perSecond / transient.perSecond,
    );
    print("relayed chunks per s", relays, ({ room }) => room, 0);
    print("relay ratio to an sdk pass-through", relays, ({ room, sdk }) => room / sdk);
    print("relay ratio to a raw pass-through", relays, ({ room, raw }) => room / raw);
    console.log(`resume frames ${resumeFrames}`);
    console.log(`rows written ${billed.units.rowsWritten}`);
    console.log(`million turns usd ${millionTurnsUsd(billed.units, billed.seconds).toFixed(2)}`);
  } finally {
    await setup.close();
  }
}
