import { join } from "node:path";
import { parseDatabaseUrl } from "../postgres/database-url.ts";
import { ollamaAddress } from "../wrangler/ollama.ts";
import { UserError } from "../user-error.ts";
import { dataDir, type Environment } from "../data-dir/instance.ts";

export interface Settings {
  /** Where the Worker will listen. */
  port: number;
  /** Absolute path of the folder that keeps all local state. */
  folder: string;
  /** The developer's own PostgreSQL, or none: the embedded one. */
  databaseUrl: URL | undefined;
  /** The file with the development secrets. */
  secretsFile: string;
  /** Where an Ollama server is looked for. */
  ollamaUrl: string;
}

/** Reads the settings of `npm run dev`: PORT, SPIRITFORGE_DATA, DATABASE_URL, SPIRITFORGE_SECRETS, OLLAMA_HOST. @throws UserError */
export function readSettings(env: Environment): Settings {
  return {
    port: readPort(env.PORT || "8787"),
    folder: dataDir(env),
    databaseUrl: env.DATABASE_URL ? parseDatabaseUrl(env.DATABASE_URL) : undefined,
    secretsFile: env.SPIRITFORGE_SECRETS || join(import.meta.dirname, "../../.dev.vars"),
    ollamaUrl: ollamaAddress(env.OLLAMA_HOST),
  };
}

function readPort(value: string): number {
  const port = Number(value);
  if (/^\d+$/.test(value) && port >= 1 && port <= 65_535) return port;
  throw new UserError(`PORT must be a whole number from 1 to 65535, not "${value}".`);
}
