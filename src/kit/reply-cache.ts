/** Bytes ready to send, and what a client needs to ask for them conditionally. */
export type ReadyReply = { bytes: Uint8Array; etag: string };

/** Ready replies by key, bounded in number and in bytes; the least recently used goes first. */
export class ReplyCache {
  readonly #replies = new Map<string, ReadyReply>();
  readonly #maxReplies: number;
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxReplies: number, maxBytes: number) {
    this.#maxReplies = maxReplies;
    this.#maxBytes = maxBytes;
  }

  get(key: string): ReadyReply | undefined {
    const reply = this.#replies.get(key);
    if (reply !== undefined) {
      this.#replies.delete(key);
      this.#replies.set(key, reply);
    }
    return reply;
  }

  /** Keeps a reply, unless it alone is larger than the whole cache may be. */
  set(key: string, reply: ReadyReply): void {
    this.#remove(key);
    if (reply.bytes.length > this.#maxBytes) return;
    this.#replies.set(key, reply);
    this.#bytes += reply.bytes.length;
    for (const oldest of this.#replies.keys()) {
      if (this.#replies.size <= this.#maxReplies && this.#bytes <= this.#maxBytes) break;
      this.#remove(oldest);
    }
  }

  get size(): { replies: number; bytes: number } {
    return { replies: this.#replies.size, bytes: this.#bytes };
  }

  #remove(key: string): void {
    this.#bytes -= this.#replies.get(key)?.bytes.length ?? 0;
    this.#replies.delete(key);
  }
}
