import type { Answer, Client } from "../../minions/support/minions.ts";
import { authHeader, type Person } from "../../support/users.ts";
import { bodyOf, type TestApi } from "../../support/api.ts";

/** Uploads a file as a form. */
export async function upload(
  api: TestApi,
  who: Person,
  bytes: string | Uint8Array<ArrayBuffer>,
  fileName: string,
  fields: Record<string, string> = {},
): Promise<Answer> {
  const form = new FormData();
  form.set("file", new File([bytes], fileName));
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  const reply = await api.get("/api/v2/datasets", { method: "POST", headers: authHeader(who.token), body: form });
  return { status: reply.status, headers: reply.headers, body: await bodyOf(reply) };
}

/** A dataset once its import is over. @throws after ten seconds */
export async function settled(client: Client, id: number) {
  for (let tries = 0; tries < 200; tries += 1) {
    const { body } = await client.get(`/datasets/${id}`);
    if (["ready", "failed"].includes(body.dataset.processing_status)) return body.dataset;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("It is being read still.");
}
