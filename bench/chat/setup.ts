import { connect } from "../../dev/postgres/connect.ts";
import { buildWorker, startWorkerd } from "../../dev/wrangler/workerd.ts";
import { startBackend } from "../support/backend.ts";
import { startFakeProvider } from "./fake-provider.ts";

/** Durable Objects besides those of wrangler.toml: binding → class. */
const objects = {
  METERED_ROOM: "MeteredRoom",
  ECHO_ROOM: "EchoRoom",
  BASELINE_ECHO: "BaselineEcho",
  BASELINE_BROADCAST: "BaselineBroadcast",
  TRANSIENT_BROADCAST: "TransientBroadcast",
  PARTYSERVER_ECHO: "PartyserverEcho",
  SDK_RELAY: "SdkRelay",
  RAW_RELAY: "RawRelay",
};

type Binding = keyof typeof objects | "CHAT_ROOM";

/** The bench Worker with its backend, and a user with a minion on the fake provider. */
export interface ChatSetup {
  /** The address of a new room. */
  newRoom(binding: Binding): Promise<URL>;
  close(): Promise<void>;
}

/** Starts the backend, the fake provider and the bench Worker. */
export async function openChatSetup(): Promise<ChatSetup> {
  const backend = await startBackend();
  const cleanup: (() => Promise<unknown>)[] = [() => backend.close()];
  const close = async () => {
    for (const step of cleanup.toReversed()) await step();
  };
  try {
    const client = await connect(backend.databaseUrl);
    cleanup.push(() => client.end());
    const provider = await startFakeProvider();
    cleanup.push(() => provider.close());
    const { modulePath } = await buildWorker(backend.folder, "bench/chat/worker.ts");
    const bindings = { ...backend.bindings, EGRESS_ALLOWED_HOSTS: provider.host, PROVIDER_URL: provider.baseUrl };
    const workerd = await startWorkerd({ modulePath, bindings, objects });
    cleanup.push(() => workerd.close());

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
        if (isConversation || binding === "ECHO_ROOM") url.searchParams.set("user", String(user_id));
        return url;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
