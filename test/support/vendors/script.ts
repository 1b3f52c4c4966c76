/** What every fake vendor says, whichever protocol it says it in. */
export const script = {
  /** In pieces of a stream; with characters of two, three and four bytes. */
  pieces: ["Grüße, ", "世界 ", "👋, wie ", "geht's?"],
  /** Asked for as soon as there are tools. */
  toolCall: { id: "call00001", name: "look_up", input: { city: "Zürich" } },
  usage: { input: 21, output: 9, cached: 4 },
  vector: [0.25, -0.5, 0.125],
} as const;

export const scriptedText = script.pieces.join("");

/** What a failure says beside its status; with the key that was used, as some vendors do. A client of ours must never see it. */
export const vendorWords = "words of the vendor";

export type Json = Record<string, unknown>;

/** An event of a stream; the name is left out where the vendor gives none. */
export type SseEvent = { event?: string; data: Json | string };

/** A reply to a good request: one object, or the events of a stream. */
export type Reply = Json | Json[] | SseEvent[];

export function isEvents(reply: Reply): reply is SseEvent[] {
  return Array.isArray(reply) && reply.length > 0 && "data" in reply[0]!;
}

/** How a vendor is spoken to. */
export type Protocol = {
  /** What the SDK is told as its base URL, after the address of the server. */
  base: string;
  key(headers: Record<string, string | undefined>): string | undefined;
  /** Answers a request below `base`; undefined where there is no such path. */
  reply(path: string, body: Json, text: readonly string[]): Reply | undefined;
  failure(status: number, message: string): Json;
};

export function bearer({ authorization }: Record<string, string | undefined>): string | undefined {
  return authorization?.replace(/^Bearer /, "");
}
