import { once } from "node:events";
import { connect } from "node:net";
import { onTestFinished, vi } from "vitest";

const STARTUP = Buffer.from("\0\0\0\x17\0\x03\0\0user\0postgres\0\0", "latin1");

export const PARSE_COMPLETE = "1\0\0\0\x04";
/** ReadyForQuery, outside a transaction. */
const READY = "Z\0\0\0\x05I";

export const simpleQuery = (text: string) => message("Q", `${text}\0`);
/** The unnamed statement's Parse. */
export const parse = (text: string) => message("P", `\0${text}\0\0\0`);
/** Its Bind, Execute and Sync. */
export const execute = Buffer.concat([message("B", "\0".repeat(8)), message("E", "\0".repeat(5)), message("S", "")]);

function message(letter: string, body: string): Buffer {
  const head = Buffer.alloc(5);
  head.write(letter);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, Buffer.from(body)]);
}

/** A connection that speaks PostgreSQL's protocol by hand, to stop where no client would. */
export async function openWire(databaseUrl: string) {
  const socket = connect({ host: "127.0.0.1", port: Number(new URL(databaseUrl).port) });
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  let received = "";
  socket.on("data", (chunk: Buffer) => (received += chunk.toString("latin1")));
  const wire = {
    say: (bytes: Buffer) => void socket.write(bytes),
    hears: (text: string) => vi.waitUntil(() => received.includes(text)),
    hangUp: () => void socket.destroy(),
  };
  wire.say(STARTUP);
  await wire.hears(READY);
  return wire;
}
