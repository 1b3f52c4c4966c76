import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A server that listens on this machine alone. */
export interface Listening {
  /** `127.0.0.1:<port>` */
  host: string;
  /** Ends its connections, too. */
  close(): Promise<void>;
}

/** Lets a server listen. @param port a free one if left out @throws what `listen` emits, as for a port that is taken */
export async function listen(server: Server, port = 0): Promise<Listening> {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
