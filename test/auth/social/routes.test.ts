import { describe, expect, test } from "vitest";
import { bodyOf, startApi, useApi } from "../../support/api.ts";

const api = useApi();

describe("sign-in by way of others", () => {
  test("social sign-in that is not configured is neither served nor advertised", async () => {
    expect((await bodyOf(await api.get("/api/auth/health"))).providers).toEqual([]);
    for (const provider of ["github", "google"]) {
      expect((await api.post(`/api/auth/sign-in/${provider}`, {})).status).toBe(404);
      expect((await api.get(`/api/auth/callback/${provider}?code=x&state=y`)).status).toBe(404);
    }
    expect((await api.post("/api/auth/sign-in/myspace", {})).status).toBe(422);
  });

  test("social sign-in starts at the provider with our client ID, and returns to listed origins only", async () => {
    const configured = await startApi(
      { GITHUB_CLIENT_ID: "our-client-id", GITHUB_CLIENT_SECRET: "our-client-secret" },
      api.database,
    );
    expect((await bodyOf(await configured.get("/api/auth/health"))).providers).toEqual(["github"]);
    const reply = await configured.post("/api/auth/sign-in/github", { callback_url: "http://localhost:3000/welcome" });
    expect(reply.status).toBe(200);
    const url = new URL((await bodyOf(reply)).url);
    expect(url.origin + url.pathname).toBe("https://github.com/login/oauth/authorize");
    expect(url.searchParams.get("client_id")).toBe("our-client-id");
    expect(url.searchParams.get("redirect_uri")).toMatch(/\/api\/auth\/callback\/github$/);
    expect(url.searchParams.get("state")).toBeTruthy();
    for (const callback_url of [
      "https://evil.example/",
      "//evil.example",
      "/\\evil.example",
      "javascript:alert(1)",
      "http://user@localhost:3000/",
    ]) {
      const evil = await configured.post("/api/auth/sign-in/github", { callback_url });
      expect(evil.status).toBe(422);
      expect((await bodyOf(evil)).errors).toMatchObject([{ path: "callback_url" }]);
    }
    const forged = await configured.get("/api/auth/callback/github?code=x&state=forged", { redirect: "manual" });
    expect(forged.headers.get("set-cookie") ?? "").not.toContain("__Host-spiritforge=");
    expect((await configured.post("/api/auth/sign-in/google", {})).status).toBe(404);
    await configured.close();
  });
});
