import { watchAll } from "./canary.ts";

type PutOptions = { httpMetadata?: { contentType?: string }; customMetadata?: Record<string, string> };

/** An R2 bucket in memory, as far as services use one. It can be taken away. */
export class MemoryBucket {
  readonly objects = new Map<string, Uint8Array>();
  /** What was put, in order. */
  readonly puts: string[] = [];
  /** Called before anything is done: may throw as a store does that does not answer. */
  before: (verb: string, key: string) => unknown = () => undefined;

  /** What was said of objects beside. */
  readonly #options = new Map<string, PutOptions>();

  async put(key: string, value: string | Uint8Array, options: PutOptions = {}): Promise<void> {
    await this.before("put", key);
    this.#options.set(key, options);
    const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
    watchAll(`file ${key}`, key + Buffer.from(bytes).toString("latin1"));
    this.objects.set(key, bytes);
    this.puts.push(key);
  }

  async get(key: string, { range }: { range?: { offset: number; length: number } } = {}) {
    await this.before("get", key);
    const whole = this.objects.get(key);
    if (whole === undefined) return null;
    const bytes = range === undefined ? whole : whole.slice(range.offset, range.offset + range.length);
    const reply = new Response(new Uint8Array(bytes));
    return {
      ...this.#options.get(key),
      size: bytes.length,
      body: reply.body,
      text: () => reply.text(),
      arrayBuffer: () => reply.arrayBuffer(),
    };
  }

  async delete(keys: string | string[]): Promise<void> {
    for (const key of [keys].flat()) {
      await this.before("delete", key);
      this.objects.delete(key);
    }
  }

  async list({ prefix }: { prefix: string }) {
    await this.before("list", prefix);
    const keys = Array.from(this.objects.keys()).filter((key) => key.startsWith(prefix));
    return { objects: keys.map((key) => ({ key })), truncated: false };
  }
}
