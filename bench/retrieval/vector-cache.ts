import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import type { Embed } from "../../dev/embeddings/encoder.ts";

/** Keeps the vectors of texts in a file, because the encoder needs minutes for the sets. @param file the SQLite database */
export function cachedEmbed(embed: Embed, file: string): Embed {
  const database = new DatabaseSync(file);
  database.exec("create table if not exists vectors (hash text primary key, vector blob not null) without rowid");
  const read = database.prepare("select vector from vectors where hash = ?");
  const write = database.prepare("insert or replace into vectors values (?, ?)");
  return async (texts) => {
    const vectors: number[][] = [];
    for (const text of texts) {
      const hash = createHash("sha256").update(text).digest("base64");
      const known = read.get(hash)?.["vector"] as Uint8Array<ArrayBuffer> | undefined;
      const [vector] = known === undefined ? await embed([text]) : [Array.from(new Float32Array(known.slice().buffer))];
      if (known === undefined) write.run(hash, new Uint8Array(Float32Array.from(vector!).buffer));
      vectors.push(vector!);
    }
    return vectors;
  };
}
