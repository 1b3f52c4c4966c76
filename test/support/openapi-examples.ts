import type { TestApi } from "./api.ts";
import { answeredConversation, ownAnswer, ownConversation, ownQuestion } from "./conversations.ts";
import { createUser, type Person } from "./users.ts";
import { type Listed } from "./openapi-operations.ts";

/** The smallest picture that there is: a GIF of one pixel. */
const picture = Buffer.from("R0lGODlhAQABAAAAACwAAAAAAQABAAA=", "base64");

type Example = {
  /** The values of the path parameters, created for the calling user. */
  params?: (api: TestApi, person: Person) => Promise<Record<string, string | number>> | Record<string, string | number>;
  query?: string;
  /** The JSON body, or a function that creates it for the calling user. */
  body?: unknown;
  /** A file, in place of a body of JSON. */
  file?: Uint8Array;
  /** Where the example cannot succeed by itself. */
  status?: number;
};

const another = async (api: TestApi) => ({ id: (await createUser(api)).id });
const ownSession = (_api: TestApi, person: Person) => ({ id: person.sessionId });

async function ownKey(api: TestApi, person: Person) {
  const [key] = await api.database.sql(
    "insert into api_keys (user_id, name, prefix, key_hash, scopes) values ($1, 'example', 'sf_example', $2, '{account.read}') returning id",
    [person.id, crypto.randomUUID()],
  );
  return { id: Number(key!["id"]) };
}

/** A minion of the person's, with a spirit. */
async function ownMinion(api: TestApi, person: Person) {
  const [row] = await api.database.sql(
    `insert into spirit_minions (user_id, name, display_name, model) values ($1, 'example', $2, 'builtin/extractive') returning id`,
    [person.id, crypto.randomUUID()],
  );
  await api.database.sql("insert into minion_spirits (minion_id, spirit_id, position) values ($1, 1, 1)", [row!["id"]]);
  return { id: Number(row!["id"]) };
}

/** A model of the person's, without a key. */
async function ownModel(api: TestApi, person: Person) {
  const [row] = await api.database.sql(
    `insert into external_models (user_id, name, display_name, provider, model_id) values ($1, 'example', $2, 'nvidia', 'an/example')
     returning id`,
    [person.id, crypto.randomUUID()],
  );
  return { id: Number(row!["id"]) };
}

/** The name of a model of the person's: with a slash and a colon, as names of models are. */
async function namedModel(api: TestApi, person: Person): Promise<string> {
  const { id } = await ownModel(api, person);
  await api.database.sql("update external_models set name = 'meta/llama-3:8b' where id = $1", [id]);
  return "meta/llama-3:8b";
}

/** A minion of the person's with a fact. */
async function ownFact(api: TestApi, person: Person) {
  const { id } = await ownMinion(api, person);
  const [row] = await api.database.sql(
    `insert into memory_facts (user_id, minion_id, text, text_hash, source) values ($1, $2, 'An example', 'example', 'owner') returning id`,
    [person.id, id],
  );
  return { id, fact_id: Number(row!["id"]) };
}

async function binnedMinion(api: TestApi, person: Person) {
  const { id } = await ownMinion(api, person);
  await api.database.sql("update spirit_minions set deleted_at = now() where id = $1", [id]);
  return { id };
}

/** A dataset of the person's, ready, without a row. */
async function ownDataset(api: TestApi, person: Person) {
  const report = { rows: 0, kept: 0, unreadable: 0, dropped: {}, kinds: {}, quality_score: 0, problems: [], dropped_rows: [] };
  const dropped = { empty: 0, malformed: 0, too_long: 0, duplicate: 0, near_duplicate: 0 };
  const [row] = await api.database.sql(
    `insert into datasets (user_id, name, processing_status, report, folder)
     values ($1, 'example', 'ready', $2, $3) returning id`,
    [person.id, JSON.stringify({ ...report, dropped }), `users/${person.id}/datasets/example/`],
  );
  return { id: Number(row!["id"]) };
}

/** A dataset of the person's that is a website. */
async function ownWebsite(api: TestApi, person: Person) {
  const { id } = await ownDataset(api, person);
  const website = {
    url: "https://example.com/",
    kind: "page",
    refresh: "manual",
    run: 1,
    next_run: null,
    notes: null,
    error: null,
  };
  await api.database.sql("update datasets set type = 'website', website = $2 where id = $1", [id, JSON.stringify(website)]);
  return { id };
}

/** An upload of two parts, of which the first is there, or both. */
async function ownUpload(api: TestApi, person: Person, parts = [1]) {
  const size = 8 * 1024 * 1024 + 7;
  const received = Object.fromEntries(
    parts.map((part) => [part, { key: `example-${part}`, size: part === 1 ? size - 7 : 7, sha256: "example" }]),
  );
  const [row] = await api.database.sql(
    "insert into dataset_uploads (user_id, name, file_name, size, parts) values ($1, 'example', 'example', $2, $3) returning id",
    [person.id, size, JSON.stringify(received)],
  );
  return { id: Number(row!["id"]) };
}

/** A knowledge base of the person's, with two builds, of which each has a dataset. */
async function ownKnowledge(api: TestApi, person: Person) {
  const { id: datasetId } = await ownDataset(api, person);
  const [row] = await api.database.sql(
    `with base as (
       insert into knowledge_bases (user_id, name, embedding_model, dimensions)
       values ($1, $2, 'builtin/hashing-384', 384) returning id
     ), part as (
       insert into knowledge_parts (knowledge_base_id, dataset_id, name, strategy, chunk_size, chunk_overlap, completed_at)
       select id, $3, 'example', 'auto', 1000, 100, now() from base returning id
     ), builds as (
       insert into knowledge_builds (knowledge_base_id, status, update_strategy, finished_at)
       select id, 'complete', 'append', now() from base, generate_series(1, 2) returning id
     ), held as (
       insert into knowledge_build_parts (build_id, part_id, position) select builds.id, part.id, 1 from builds, part
     )
     select base.id, min(builds.id) as previous, max(builds.id) as active from base, builds group by base.id`,
    [person.id, crypto.randomUUID(), datasetId],
  );
  await api.database.sql("update knowledge_bases set previous_build_id = $2, active_build_id = $3 where id = $1", [
    row!["id"],
    row!["previous"],
    row!["active"],
  ]);
  return { id: Number(row!["id"]), dataset_id: datasetId };
}

const ownBase = async (api: TestApi, person: Person) => ({ id: (await ownKnowledge(api, person)).id });

async function ownNotification(api: TestApi, person: Person) {
  const [row] = await api.database.sql(
    "insert into notifications (user_id, kind, title, body) values ($1, 'example', 'An example', '') returning id",
    [person.id],
  );
  return { id: Number(row!["id"]) };
}

async function failedJob(api: TestApi) {
  const [row] = await api.database.sql(
    `insert into failed_jobs (reference, name, payload, request_id, error, attempts, created_at)
     values ($1, 'begin-reset', '{"email": "nobody@example.com"}', 'example', 'It failed.', 12, now()) returning id`,
    [`job:${crypto.randomUUID()}`],
  );
  return { id: Number(row!["id"]) };
}

const itself = (_api: TestApi, { id }: Person) => ({ user_id: id });
const minionOfUser = async (api: TestApi, person: Person) => ({ user_id: person.id, ...(await ownMinion(api, person)) });

type Made = (api: TestApi, person: Person) => Promise<unknown>;

/** A request for each operation that needs more than its path. What is missing here makes the tables fail. */
const examples: Record<string, Example> = {
  getSpirit: { params: () => ({ id: 3 }) },
  getSpiritByName: { params: () => ({ name: "writer" }) },
  listSpiritsOfTier: { params: () => ({ tier: "basic" }) },
  listToolsOfSpirit: { params: () => ({ id: 3 }) },
  getSynergy: { query: "?spirit_ids=7,16" },
  computeSynergy: { body: { spirit_ids: [7, 16] } },
  getTool: { params: () => ({ name: "grammar_checker" }) },
  getClass: { params: () => ({ name: "Developer" }) },
  listSpiritsOfClass: { params: () => ({ name: "Developer" }) },
  getTemplate: { params: () => ({ id: 3 }) },
  listSpiritAccess: { params: (_api, person) => ({ id: person.id }) },
  register: { body: { username: "example", email: "example@example.com", password: "correct horse battery" } },
  login: { body: { username: "nobody", password: "correct horse battery" }, status: 401 },
  forgotPassword: { body: { email: "example@example.com" } },
  resetPassword: { body: { token: "unknown", password: "correct horse battery" }, status: 422 },
  verifyEmail: { body: { token: "unknown" }, status: 422 },
  updateProfile: { body: { first_name: "Ada" } },
  updateMe: { body: { first_name: "Ada" } },
  changePassword: { body: { current_password: "is another", new_password: "correct horse battery" }, status: 401 },
  beginSocialSignIn: { params: () => ({ provider: "github" }), body: {}, status: 404 },
  endSocialSignIn: { params: () => ({ provider: "github" }), status: 404 },
  getModelDetails: { params: async (api, person) => ({ name: await namedModel(api, person) }) },
  getExternalModelStatus: { params: ownModel },
  checkClassUnlock: { params: () => ({ name: "Developer" }), body: {} },
  listMinionsOfUser: { params: itself },
  createMinionOfUser: { params: itself, body: { name: "example", model: "builtin/extractive" } },
  getMinionHealthOfUser: { params: itself },
  getMinionOfUser: { params: minionOfUser },
  updateMinionOfUser: { params: minionOfUser, body: { description: "An example" } },
  putTraitsOfUser: { params: minionOfUser, body: { traits_intensities: {} } },
  toggleFavoriteMinionOfUser: { params: minionOfUser },
  regenerateTokenOfUser: { params: minionOfUser },
  chatWithMinionOfUser: { params: minionOfUser, body: { message: "An example" } },
  listDatasetsOfUser: { params: itself },
  getModel: { params: async (api, person) => ({ name: await namedModel(api, person) }) },
  createExternalModel: {
    body: { name: "example", provider: "custom", model_id: "example", base_url: "https://models.example.com/v1" },
  },
  getExternalModel: { params: ownModel },
  updateExternalModel: { params: ownModel, body: { description: "An example" } },
  deleteExternalModel: { params: ownModel },
  toggleFavoriteExternalModel: { params: ownModel },
  putExternalModelAvatar: { params: ownModel, file: picture },
  testExternalModel: { body: { provider: "builtin", model_id: "extractive" } },
  // Workers AI is bound in production alone.
  listProviderModels: { params: () => ({ provider: "workers-ai" }), status: 503 },
  syncNvidiaModel: { params: ownModel, status: 503 },
  createMinion: { body: { name: "example", display_name: "Example", model: "builtin/extractive" } },
  getMinion: { params: ownMinion },
  updateMinion: { params: ownMinion, body: { description: "An example" } },
  deleteMinion: { params: ownMinion },
  restoreMinion: { params: binnedMinion },
  toggleFavoriteMinion: { params: ownMinion },
  putMinionAvatar: { params: ownMinion, file: picture },
  removeMinionAvatar: { params: ownMinion },
  createMinionToken: { params: ownMinion },
  getAvatar: { params: () => ({ user_id: 1, file: `1-${"x".repeat(28)}.png` }), status: 404 },
  listMinionSpirits: { params: ownMinion },
  equipSpirit: { params: ownMinion, body: { spirit_id: 4 } },
  putLoadout: { params: ownMinion, body: { spirit_ids: [4, 7] } },
  listAvailableSpiritsOfMinion: { params: ownMinion },
  getMinionSynergy: { params: ownMinion, query: "?with=4,7" },
  unequipSpirit: { params: async (api, person) => ({ ...(await ownMinion(api, person)), spirit_id: 1 }) },
  getMinionClass: { params: ownMinion },
  assignClass: { params: ownMinion, body: { class_name: "Swiss Army Knife" } },
  removeClass: { params: ownMinion },
  getTraits: { params: ownMinion },
  putTraits: { params: ownMinion, body: { traits: {} } },
  listMinionTools: { params: ownMinion },
  listExperience: { params: ownMinion },
  getScore: { params: ownMinion },
  grantExperience: { params: ownMinion, body: { amount: 10, reason: "example" } },
  getMemory: { params: ownFact },
  addFact: { params: ownMinion, body: { text: "An example" } },
  updateMemory: { params: ownMinion, body: { enabled: false } },
  clearMemory: { params: ownFact },
  getFact: { params: ownFact },
  updateFact: { params: ownFact, body: { text: "Another example" } },
  deleteFact: { params: ownFact },
  uploadDataset: { file: Buffer.from("An example of a text.") },
  createDatasetUpload: { body: { file_name: "example.jsonl", size: 20_000_000 } },
  getDatasetUpload: { params: ownUpload },
  putDatasetPart: {
    params: async (api, person) => ({ ...(await ownUpload(api, person)), part: 2 }),
    file: Buffer.from("7 bytes"),
  },
  completeDatasetUpload: { params: (api, person) => ownUpload(api, person, [1, 2]) },
  abortDatasetUpload: { params: ownUpload },
  createWebsiteDataset: { body: { url: "https://example.com/sitemap.xml" } },
  refreshDataset: { params: ownWebsite },
  loadDataset: { body: { dataset_id: "example" } },
  getDataset: { params: ownDataset },
  updateDataset: { params: ownDataset, body: { description: "An example" } },
  deleteDataset: { params: ownDataset },
  toggleFavoriteDataset: { params: ownDataset },
  listDatasetRows: { params: ownDataset },
  getDatasetReport: { params: ownDataset },
  linkDatasetDownload: { params: ownDataset },
  downloadDataset: { params: () => ({ dataset_id: 1 }), query: "?ticket=unknown", status: 401 },
  createKnowledgeBase: { body: { name: "example" } },
  getKnowledgeBase: { params: ownBase },
  updateKnowledgeBase: { params: ownBase, body: { description: "An example" } },
  deleteKnowledgeBase: { params: ownBase },
  removeDatasetFromKnowledgeBase: { params: ownKnowledge },
  indexKnowledgeBase: { params: ownBase, body: { dataset_ids: [2_000_000_000] }, status: 422 },
  rollBackKnowledgeBase: { params: ownBase },
  queryKnowledgeBase: { params: ownBase, body: { query: "example" } },
  evaluateKnowledgeBase: { params: ownBase, body: { questions: [{ question: "example", relevant: [{ source: "example" }] }] } },
  createConversation: { params: ownMinion, body: { title: "An example" } },
  getConversation: { params: ownConversation },
  updateConversation: { params: ownConversation, body: { title: "An example" } },
  deleteConversation: { params: ownConversation },
  exportConversation: { params: answeredConversation },
  openConversationSocket: { params: () => ({ conversation_id: 1 }), query: "?ticket=unknown", status: 401 },
  listMessages: { params: answeredConversation },
  sendMessage: { params: ownConversation, body: { text: "An example" } },
  getMessage: { params: ownAnswer },
  streamAnswer: { params: ownConversation, status: 204 },
  chatExternal: {
    body: async (api: TestApi, person: Person) => ({ model_id: (await ownMinion(api, person)).id, message: "An example" }),
  },
  stopTurn: { params: ownConversation },
  approveToolCall: { params: ownConversation, body: { call_id: "unknown", is_approved: true }, status: 404 },
  regenerateAnswer: { params: answeredConversation, body: {} },
  editMessage: { params: ownQuestion, body: { text: "Another example" } },
  forkConversation: { params: ownAnswer },
  confirmMessage: { params: ownAnswer, body: { kind: "task" } },
  rateMessage: { params: ownAnswer, body: { rating: "up" } },
  attachFile: { params: ownConversation, file: picture },
  getAttachment: {
    params: async (api, person) => ({ ...(await ownConversation(api, person)), attachment_id: crypto.randomUUID() }),
    status: 404,
  },
  deleteMe: { body: {} },
  openMySocket: { query: "?ticket=unknown", status: 401 },
  createSocketTicket: { body: { resource: "me" } },
  readNotification: { params: ownNotification },
  readAllNotifications: { body: {} },
  putPreferences: { body: { preferences: { theme: "dark" } } },
  replayFailedJob: { params: failedJob },
  discardFailedJob: { params: failedJob },
  revokeSession: { params: ownSession },
  createApiKey: { body: { name: "example", scopes: ["account.read"] } },
  revokeApiKey: { params: ownKey },
  getUser: { params: another },
  setRoles: { params: another, body: { roles: ["user", "developer"] } },
  banUser: { params: another, body: { reason: "spam" } },
  unbanUser: { params: another },
  grantAccess: { params: another, body: { spirit_id: 2, reason: "example" } },
};

export type Prepared = { url: string; body: string | Uint8Array | undefined; type: string; status: number };

/** The request of an operation's example, as `person` would send it. @param given stands in its path in place of the example's */
export async function prepare(
  api: TestApi,
  person: Person,
  { id, path, operation }: Listed,
  given: Record<string, string> = {},
): Promise<Prepared> {
  const { params, query = "", body, file, status } = examples[id] ?? {};
  const values: Record<string, string | number> = { ...(await params?.(api, person)), ...given };
  const url = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined)
      throw new Error(`No example for {${name}} of ${id}: give one in test/support/openapi-examples.ts.`);
    return encodeURIComponent(value);
  });
  if (operation.requestBody !== undefined && body === undefined && file === undefined) {
    throw new Error(`No example of a body for ${id}: give one in test/support/openapi-examples.ts.`);
  }
  const success = Object.keys(operation.responses).find((code) => code.startsWith("2"));
  const isPicture = operation.requestBody?.content["image/gif"] !== undefined;
  const type = file === undefined ? "application/json" : isPicture ? "image/gif" : "application/octet-stream";
  const json: unknown = typeof body === "function" ? await (body as Made)(api, person) : body;
  const sent = file ?? (json === undefined ? undefined : JSON.stringify(json));
  return { url: url + query, body: sent, type, status: status ?? Number(success) };
}
