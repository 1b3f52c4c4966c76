/** Live notifications: one WebSocket for everything that happens to a user, on every device. */
import { openSocket, readFrames, register, step, uploadDocument } from "./support.ts";

type Frame = { type: string; seq: number; notification?: { kind: string; title: string } };

const user = await register();
const socket = await openSocket(user, "me", "/api/v2/me/socket");

step("Upload a document while the socket is open, then mark everything as read");
for await (const frame of readFrames<Frame>(socket)) {
  console.log(`${frame.type.padEnd(20)} ${frame.notification?.title ?? ""}`);
  // `presence` says which devices are connected: the socket is open.
  if (frame.type === "presence") void uploadDocument(user, "examples/documents/bicycle-shop.md");
  if (frame.notification?.kind === "dataset_ready") void user.post("/api/v2/notifications/read-all", {});
  if (frame.type === "notifications_read") break;
}
socket.close();
