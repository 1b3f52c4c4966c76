import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startNeonBridge } from "../dev/postgres/bridge/neon-bridge.ts";
import { connect } from "../dev/postgres/connect.ts";
import { openEmbeddedPostgres } from "../dev/postgres/embedded-postgres.ts";
import { buildWorker, startWorkerd } from "../dev/wrangler/workerd.ts";
import { migrate } from "../drizzle/migrate.ts";
import { seedCatalog } from "../seed/seed.ts";
import { startProvider } from "./chat-provider.ts";

/** Rooms beside those of wrangler.toml, by how they are bound. */
const objects = {
  METERED_ROOM: "MeteredRoom",
  KIT_ROOM: "KitRoom",
  BARE_ROOM: "BareRoom",
  BARE_BROADCAST: "BareBroadcast",
  FORGETFUL_BROADCAST: "ForgetfulBroadcast",
  BARE_RELAY: "BareRelay",
  SDK_RELAY: "SdkRelay",
  PARTY_ROOM: "PartyRoom",
};

type Binding = keyof typeof objects | "CHAT_ROOM";

/** What a benchmark of conversations needs: the bench Worker, a Postgres, and somebody whose minion is on a fast provider. */
export interface ChatRig {
  /** The address of a room in which nobody was before. */
  newRoom(binding: Binding): Promise<URL>;
  close(): Promise<void>;
}

export async function openChatRig(): Promise<ChatRig> {
  const folder = await mkdtemp(join(tmpdir(), "spiritforge-bench-"));
  const closing: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  const close = async () => {
    for (const end of closing.toReversed()) await end();
  };
  try {
    const postgres = await openEmbeddedPostgres();
    closing.push(() => postgres.close());
    const bridge = await startNeonBridge({ databaseUrl: postgres.url });
    closing.push(() => bridge.close());
    await migrate(postgres.url);
    await seedCatalog(postgres.url);
    const client = await connect(postgres.url);
    closing.push(() => client.end());
    const provider = await startProvider();
    closing.push(() => provider.close());
    const { modulePath } = await buildWorker(folder, "bench/chat-worker.ts");
    const bindings = {
      DATABASE_URL: "postgres://bench:bench@localhost/bench",
      NEON_PROXY: bridge.url,
      AUTH_SECRET: "dev-secret-of-the-benchmark-only-------",
      KEY_SECRETS: "dev-secret-of-the-benchmark-only-------",
      EGRESS_ALLOWED_HOSTS: provider.host,
      PROVIDER_URL: provider.baseUrl,
    };
    const workerd = await startWorkerd({ modulePath, bindings, objects });
    closing.push(() => workerd.close());

    const { rows: owners } = await client.query<{ user_id: number; minion_id: number }>(
      `with owner as (insert into users (email, name) values ('bench@example.com', 'bench') returning id),
       model as (
         insert into external_models (user_id, name, display_name, provider, model_id, base_url, context_length)
         select id, 'fast', 'Fast', 'custom', 'fast', $1, 1000000 from owner returning id, user_id
       )
       insert into spirit_minions (user_id, name, display_name, model, external_model_id)
       select user_id, 'ada', 'Ada', id::text, id from model returning user_id, id as minion_id`,
      [provider.baseUrl],
    );
    const { user_id, minion_id } = owners[0]!;
    const newConversation = async (): Promise<number> => {
      const insert = "insert into conversations (user_id, minion_id) values ($1, $2) returning id";
      return (await client.query<{ id: number }>(insert, [user_id, minion_id])).rows[0]!.id;
    };
    return {
      async newRoom(binding) {
        const isConversation = binding === "CHAT_ROOM" || binding === "METERED_ROOM";
        const name = isConversation ? await newConversation() : crypto.randomUUID();
        const url = new URL(`/${binding}/${name}`, workerd.url);
        if (isConversation || binding === "KIT_ROOM") url.searchParams.set("user", String(user_id));
        return url;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
