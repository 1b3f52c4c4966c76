import { expect, test } from "vitest";
import { clientOf } from "../../minions/support/minions.ts";
import { parseLines } from "../../support/log-lines.ts";
import { createUser } from "../../support/users.ts";
import { startChatSession, useChatSessions } from "../support/conversation-client.ts";

/** An entry of a room that Postgres refuses: it is set aside, replayed by an administrator over HTTP, and written. */

const sessions = useChatSessions();

const constraint = "messages_of_the_test_refused";

test("an administrator replays an entry that was set aside, and the conversation gets its turn", async () => {
  const { api, llm } = sessions;
  const session = await startChatSession(sessions);
  const admin = clientOf(api, await createUser(api, ["user", "superuser"]));
  const stored = () => api.database.sql("select role, text from messages where conversation_id = $1 order by id", [session.id]);
  const failedJobs = async () => {
    const { body } = await admin.get("/admin/jobs/failed?limit=50");
    const { jobs } = body as { jobs: { id: number; name: string; user_id: number; request_id: string; error: string }[] };
    return jobs.filter(({ user_id }) => user_id === session.person.id);
  };

  await api.database.sql(
    `alter table messages add constraint ${constraint} check (conversation_id <> ${session.id} or text <> 'A refused question.')`,
  );
  llm.replyWith({ pieces: ["An answer."] });
  await session.client.post(`/conversations/${session.id}/messages`, { client_id: "one", text: "A refused question." });
  await expect.poll(failedJobs).toMatchObject([{ name: "write-set-aside-entry", error: expect.stringContaining(constraint) }]);
  expect(await stored()).toEqual([]);

  const [job] = await failedJobs();
  const replay = () => admin.post(`/admin/jobs/failed/${job!.id}/replay`, {});
  expect((await session.client.post(`/admin/jobs/failed/${job!.id}/replay`, {})).status).toBe(403);
  expect((await replay()).status).toBe(202);
  // Postgres still refuses the entry, so it fails again and can be replayed again.
  await expect.poll(failedJobs).toMatchObject([{ error: expect.stringContaining("still refuses") }]);
  const [again] = await failedJobs();

  await api.database.sql(`alter table messages drop constraint ${constraint}`);
  const { status } = await admin.post(`/admin/jobs/failed/${again!.id}/replay`, {});
  expect(status).toBe(202);
  await expect.poll(stored).toEqual([
    { role: "user", text: "A refused question." },
    { role: "assistant", text: "An answer." },
  ]);
  await expect.poll(failedJobs).toEqual([]);
  // A replay has the ID of the request that caused the job.
  await expect
    .poll(() => parseLines(api.logs()).filter(({ event, outcome }) => event === "job" && outcome === "ok"))
    .toContainEqual(expect.objectContaining({ name: "write-set-aside-entry", request_id: again!.request_id }));
});
