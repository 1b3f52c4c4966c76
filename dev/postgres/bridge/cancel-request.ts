import { connect } from "node:net";
import type { Client } from "pg";

const CANCEL_REQUEST_CODE = 80877102;

/**
 * Asks the server to cancel what `client` is running, as libpq does: 16 bytes, on a connection of their own. Best effort, and
 * it may arrive late, so the client must not be used for another statement.
 */
export function cancelRunning(client: Client): void {
  if (!("processID" in client && "secretKey" in client)) return;
  const packet = Buffer.alloc(16);
  packet.writeInt32BE(packet.length, 0);
  packet.writeInt32BE(CANCEL_REQUEST_CODE, 4);
  packet.writeInt32BE(Number(client.processID), 8);
  packet.writeInt32BE(Number(client.secretKey), 12);
  const socket = connect({ host: client.host, port: client.port });
  socket.on("error", () => {});
  socket.end(packet);
}
