import { beforeEach, describe, expect, test } from "vitest";
import { useApi } from "../support/api.ts";
import { createUser, type Person } from "../support/users.ts";
import {
  clientOf,
  databaseTrips,
  faultsIn,
  filesOf,
  makeMinion,
  picture,
  putPicture,
  refusalIn,
  type Client,
} from "./support/minions.ts";

const api = useApi();
let person: Person;
let me: Client;
let id: number;

beforeEach(async () => {
  person = await createUser(api);
  me = clientOf(api, person);
  ({ id } = await makeMinion(me));
});

const megabyte = 1024 * 1024;
const put = (file: Uint8Array<ArrayBuffer> | FormData, minionId = id) => putPicture(api, person, minionId, file);
const urlOf = async () => (await me.get(`/minions/${id}`)).body.minion.avatar_url as string | null;

function formOf(field: string, file: Uint8Array<ArrayBuffer>, type = "image/png"): FormData {
  const form = new FormData();
  form.set(field, new Blob([file], { type }), "me.png");
  return form;
}

describe("an avatar", () => {
  test.each([
    ["png", "image/png"],
    ["jpg", "image/jpeg"],
    ["gif", "image/gif"],
    ["webp", "image/webp"],
  ] as const)("a %s is recognized by its content and served as %s with an immutable cache", async (kind, type) => {
    const bytes = picture(kind);
    const made = await put(bytes);
    expect([made.status, databaseTrips(made)]).toEqual([200, 1]);
    const url = made.body.avatar_url as string;
    expect(url).toMatch(new RegExp(`^/api/v2/avatars/${person.id}/${id}-[\\w-]{22,}\\.${kind}$`));
    expect(await urlOf()).toBe(url);
    const served = await api.get(url);
    expect(served.status).toBe(200);
    expect(new Uint8Array(await served.arrayBuffer())).toEqual(bytes);
    expect(Object.fromEntries(served.headers)).toMatchObject({
      "content-type": type,
      "cache-control": "public, max-age=31536000, immutable",
      "cross-origin-resource-policy": "cross-origin",
      "x-content-type-options": "nosniff",
    });
  });

  test("the content type of a form is ignored in favor of the content", async () => {
    expect((await put(formOf("avatar", picture("gif"), "image/png"))).body.avatar_url).toMatch(/\.gif$/);
    expect(faultsIn(await put(formOf("picture", picture("gif"))))).toEqual(["avatar"]);
    const text = new FormData();
    text.set("avatar", "text");
    expect(faultsIn(await put(text))).toEqual(["avatar"]);
  });

  test("setting an avatar counts as an edit, and the previous file is deleted when it is replaced or removed", async () => {
    const first = (await put(picture("png", "one"))).body.avatar_url as string;
    const second = (await put(picture("png", "two"))).body.avatar_url as string;
    expect(second).not.toBe(first);
    await expect.poll(() => filesOf(api, person)).toHaveLength(1);
    expect([(await api.get(first)).status, (await api.get(second)).status]).toEqual([404, 200]);
    const { body } = await me.delete(`/minions/${id}/avatar`);
    expect(body.minion).toMatchObject({ avatar_url: null, version: 4 });
    await expect.poll(() => filesOf(api, person)).toEqual([]);
  });

  test("setting the same avatar again keeps it", async () => {
    await put(picture("png"));
    const url = (await put(picture("png"))).body.avatar_url as string;
    await expect.poll(() => filesOf(api, person)).toHaveLength(1);
    expect([await urlOf(), (await api.get(url)).status]).toEqual([url, 200]);
  });

  test("two minions have separate files for the same picture", async () => {
    const other = await makeMinion(me);
    const url = (await put(picture("png"))).body.avatar_url as string;
    await put(picture("png"), other.id);
    await me.delete(`/minions/${other.id}/avatar`);
    await expect.poll(() => filesOf(api, person)).toHaveLength(1);
    expect((await api.get(url)).status).toBe(200);
  });
});

describe("an invalid avatar", () => {
  test.each([
    ["an empty file", ""],
    ["text", "hello"],
    ["a page", "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"],
    ["the start of a PNG", "\x89PNG"],
    ["another RIFF file", "RIFF....WAVE"],
  ])("%s is refused and not stored", async (_, content) => {
    for (const file of [
      new Uint8Array(Buffer.from(content, "latin1")),
      formOf("avatar", new Uint8Array(Buffer.from(content, "latin1"))),
    ]) {
      expect(refusalIn(await put(file))).toEqual([415, "unsupported_media_type"]);
    }
    expect(await filesOf(api, person)).toEqual([]);
  });

  test("a picture above 2 MiB is refused", async () => {
    const largest = picture("png", "x".repeat(2 * megabyte - picture("png").length));
    expect((await put(largest)).status).toBe(200);
    expect((await put(formOf("avatar", largest))).status).toBe(200);
    const larger = picture("png", "x".repeat(2 * megabyte - picture("png").length + 1));
    expect(refusalIn(await put(larger))).toEqual([413, "payload_too_large"]);
    expect(refusalIn(await put(formOf("avatar", larger)))).toEqual([413, "payload_too_large"]);
    expect(await filesOf(api, person)).toHaveLength(1);
  });
});

describe("a minion that the user cannot change", () => {
  test("another user's minion gets no avatar, and nothing is stored", async () => {
    const { id: theirs } = await makeMinion(clientOf(api, await createUser(api)));
    expect(refusalIn(await put(picture("png"), theirs))).toEqual([404, "not_found"]);
    await expect.poll(() => filesOf(api, person)).toEqual([]);
  });

  test("a trashed minion keeps its avatar if the same one is set again", async () => {
    const url = (await put(picture("png"))).body.avatar_url as string;
    await me.delete(`/minions/${id}`);
    expect(refusalIn(await put(picture("png")))).toEqual([404, "not_found"]);
    expect(refusalIn(await me.delete(`/minions/${id}/avatar`))).toEqual([404, "not_found"]);
    await me.post(`/minions/${id}/restore`);
    expect(await urlOf()).toBe(url);
    expect((await api.get(url)).status).toBe(200);
  });
});

test("an invalid avatar URL is refused", async () => {
  const file = ((await put(picture("png"))).body.avatar_url as string).split("/").at(-1)!;
  expect((await api.get(`/api/v2/avatars/${person.id + 1}/${file}`)).status).toBe(404);
  for (const path of [`${person.id}/..%2f..%2fsecret`, `${person.id}/${file}.html`, `x/${file}`, `0/${file}`]) {
    const { status } = await api.get(`/api/v2/avatars/${path}`);
    expect([404, 422]).toContain(status);
  }
});
