import { parentPort } from "node:worker_threads";
import { embedWithEncoder } from "./encoder.ts";
import { startEmbeddingServer } from "./server.ts";

/** Runs the embedding server in a thread of its own, so that it never holds up Postgres. Posts its host. */
const { host } = await startEmbeddingServer(embedWithEncoder);
parentPort!.postMessage(host, []);
