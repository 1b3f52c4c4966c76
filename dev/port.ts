import { once } from "node:events";
import { createServer } from "node:net";
import { Failure, reasonOf } from "./failure.ts";

/** @throws Failure if nothing can listen on this port of 127.0.0.1 now */
export async function assertPortFree(port: number): Promise<void> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === "EADDRINUSE" ? "is taken" : `cannot be used (${reasonOf(error)})`;
    throw new Failure(`Port ${port} ${reason}: stop what listens there, or set PORT to another.`, { cause: error });
  }
  server.close();
  await once(server, "close");
}
