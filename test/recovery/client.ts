/** The requests of the recovery test, as one user. */
export class ApiClient {
  readonly #url: string;
  #token = "";

  constructor(url: string) {
    this.#url = url;
  }

  async register(username: string): Promise<void> {
    const person = { username, email: `${username}@example.com`, password: "correct horse battery" };
    const { token } = await this.#json<{ token: string }>("/api/auth/register", person);
    this.#token = token;
  }

  /** Uploads texts as a dataset. @returns its ID */
  async upload(name: string, texts: readonly string[]): Promise<number> {
    const form = new FormData();
    form.set("file", new File([texts.map((text) => JSON.stringify({ text })).join("\n")], `${name}.jsonl`));
    const { dataset } = await this.#request<{ dataset: { id: number } }>("/api/v2/datasets", { method: "POST", body: form });
    return dataset.id;
  }

  /** Starts a build of a new knowledge base. @returns the ID of the base */
  async build(name: string, datasetId: number): Promise<number> {
    const { knowledge_base } = await this.#json<{ knowledge_base: { id: number } }>("/api/v2/knowledge-bases", { name });
    await this.#json(`/api/v2/knowledge-bases/${knowledge_base.id}/index`, { dataset_ids: [datasetId] });
    return knowledge_base.id;
  }

  async dataset(id: number): Promise<{ processing_status: string; processed_items: number }> {
    const { dataset } = await this.#request<{ dataset: { processing_status: string; processed_items: number } }>(
      `/api/v2/datasets/${id}`,
    );
    return dataset;
  }

  async buildOf(baseId: number): Promise<{ status: string; chunk_count: number }> {
    const { knowledge_base } = await this.#request<{ knowledge_base: { build: { status: string; chunk_count: number } } }>(
      `/api/v2/knowledge-bases/${baseId}`,
    );
    return knowledge_base.build;
  }

  #json<T>(path: string, body: object): Promise<T> {
    return this.#request<T>(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  }

  async #request<T>(path: string, init: RequestInit = {}): Promise<T> {
    const headers = new Headers(init.headers);
    if (this.#token !== "") headers.set("authorization", `Bearer ${this.#token}`);
    const reply = await fetch(this.#url + path, { ...init, headers });
    // A machine that is busy makes Postgres slow.
    if (reply.status === 503 && init.method === undefined) return this.#request<T>(path, init);
    const body = (await reply.json()) as T & { detail?: string };
    if (!reply.ok) throw new Error(`${path}: ${reply.status} ${body.detail ?? ""}`);
    return body;
  }
}
