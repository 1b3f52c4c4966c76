import { randomUUID } from "node:crypto";

/** What GitHub knows of the person who signs in. */
export type GithubPerson = { id: number; login: string; name: string; email: string; verified: boolean; picture?: string };

const json = (body: unknown, status = 200) => Response.json(body, { status });

/**
 * GitHub's side of OAuth (https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps), for a Worker whose
 * network it stands in for; what is not GitHub's goes on as it is.
 */
export function fakeGithub({ clientId, clientSecret }: { clientId: string; clientSecret: string }) {
  const codes = new Map<string, GithubPerson>();
  const tokens = new Map<string, GithubPerson>();
  return {
    /** The code with which GitHub sends the browser back, once the person has agreed. */
    agree(person: GithubPerson): string {
      const code = randomUUID();
      codes.set(code, person);
      return code;
    },
    async answer(request: Request): Promise<Response> {
      const { origin, pathname } = new URL(request.url);
      if (origin === "https://github.com" && pathname === "/login/oauth/access_token") {
        const form = new URLSearchParams(await request.text());
        const person = codes.get(form.get("code") ?? "");
        const known = form.get("client_id") === clientId && form.get("client_secret") === clientSecret;
        if (!known || person === undefined) return json({ error: "bad_verification_code" });
        codes.delete(form.get("code")!);
        const token = `gho_${randomUUID()}`;
        tokens.set(token, person);
        return json({ access_token: token, token_type: "bearer", scope: "read:user,user:email" });
      }
      if (origin === "https://api.github.com") {
        const person = tokens.get(request.headers.get("authorization")?.split(" ")[1] ?? "");
        if (person === undefined) return json({ message: "Bad credentials" }, 401);
        const { id, login, name, email, verified, picture = `https://avatars.example.com/${id}` } = person;
        if (pathname === "/user") return json({ id, login, name, email, avatar_url: picture });
        if (pathname === "/user/emails") return json([{ email, primary: true, verified, visibility: "public" }]);
      }
      const { url, method, headers } = request;
      return fetch(url, { method, headers: [...headers], ...(method === "GET" ? {} : { body: await request.arrayBuffer() }) });
    },
  };
}
