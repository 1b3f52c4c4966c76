/** Every Durable Object class. The Worker, benches and test Workers export them all. */
export { ChatRoom } from "./chat/room/durable-object.ts";
export { SignInGate } from "./limits/durable-object.ts";
export { UserHub } from "./notifications/durable-object.ts";
