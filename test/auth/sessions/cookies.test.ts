import { Hono } from "hono";
import { expect, test } from "vitest";
import {
  sessionSetCookie,
  deviceCookieFor,
  readDeviceToken,
  readCredential,
  sessionCookie,
} from "../../../src/auth/cookies.ts";

/** What a request is read as, with these headers. */
async function read(headers: Record<string, string>, method = "GET"): Promise<{ device: unknown; secret: unknown }> {
  const app = new Hono().all("/", (c) =>
    c.json({ device: readDeviceToken(c), secret: readCredential(c, ["https://app.example"]) ?? null }),
  );
  return (await app.request("https://api.example/", { method, headers })).json();
}

test("a cookie value is read whole, whatever it contains", async () => {
  const cookie = "other=1; __Host-spiritforge-device=abc==; last=2";
  expect(await read({ cookie })).toEqual({ device: "abc==", secret: null });
});

test("the signature of a session cookie is removed, and an empty cookie is ignored", async () => {
  expect(await read({ cookie: `${sessionCookie}=token.signature%3D` })).toMatchObject({ secret: "token" });
  expect(await read({ cookie: `${sessionCookie}=; __Host-spiritforge-device=` })).toEqual({ device: null, secret: null });
});

test.each(["%00", "a%00b", "%ED%A0%80", "a%20b", "%C3%A9", "x".repeat(1_001)])(
  "the cookie value %s is no token",
  async (value) => {
    const cookie = `${sessionCookie}=${value}; __Host-spiritforge-device=${value}`;
    const isUndecoded = value.startsWith("%ED");
    expect(await read({ cookie })).toEqual(isUndecoded ? { device: value, secret: value } : { device: null, secret: null });
  },
);

test("a bearer token takes precedence over a cookie, and other schemes are ignored", async () => {
  const cookie = `${sessionCookie}=token`;
  expect(await read({ cookie, authorization: "Bearer other" })).toMatchObject({ secret: "other" });
  expect(await read({ cookie, authorization: "Basic other" })).toMatchObject({ secret: null });
});

test("a change with a cookie needs this host or an allowed origin", async () => {
  const change = (origin?: string) => read({ cookie: `${sessionCookie}=token`, ...(origin && { origin }) }, "POST");
  expect(await change("https://app.example")).toMatchObject({ secret: "token" });
  expect(await change("https://api.example")).toMatchObject({ secret: "token" });
  const app = new Hono().onError((error, c) => c.text(error.message)).post("/", (c) => c.text(readCredential(c, []) ?? "none"));
  for (const origin of [undefined, "https://evil.example"]) {
    const headers = { cookie: `${sessionCookie}=token`, ...(origin && { origin }) };
    const reply = await app.request("https://api.example/", { method: "POST", headers });
    expect(await reply.text()).toBe("Cookies are refused on changes from other sites. Send a bearer token instead.");
  }
});

test("cookies are host-only, Secure and HttpOnly", () => {
  expect(sessionSetCookie("a_-b")).toBe(`${sessionCookie}=a_-b; Max-Age=2592000; Path=/; HttpOnly; Secure; SameSite=Lax`);
  expect(sessionSetCookie(null)).toBe(`${sessionCookie}=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax`);
  expect(deviceCookieFor("x")).toContain("__Host-spiritforge-device=x; Max-Age=31536000; ");
});
