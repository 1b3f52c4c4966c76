import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { UserError, reasonOf } from "./user-error.ts";

/** A port of 127.0.0.1 that was free just now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** @throws UserError if nothing can listen on this port of 127.0.0.1 now */
export async function assertPortFree(port: number): Promise<void> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === "EADDRINUSE" ? "is taken" : `cannot be used (${reasonOf(error)})`;
    throw new UserError(`Port ${port} ${reason}: stop what listens there, or set PORT to another.`, { cause: error });
  }
  server.close();
  await once(server, "close");
}
