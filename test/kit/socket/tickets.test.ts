import { expect, test } from "vitest";
import { issueTicket, readTicket } from "../../../src/kit/socket/tickets.ts";
import { secret } from "./support/rooms.ts";

const holder = { user_id: 7, device: "session:12", label: "Firefox on Linux 🦊", resource: "me" };

const refused = { code: "unauthenticated", status: 401 };

test("a ticket contains its holder and is valid for a minute", async () => {
  const { ticket, expires_at } = await issueTicket(secret, holder, 1_000);
  expect(expires_at).toEqual(new Date(61_000));
  const claims = await readTicket(secret, ticket, "me", 60_999);
  expect(claims).toEqual({ ...holder, jti: claims.jti, expires_at: 61_000 });
  expect(Number.isSafeInteger(claims.jti)).toBe(true);
  await expect(readTicket(secret, ticket, "me", 61_000)).rejects.toMatchObject(refused);
});

test("every ticket has its own ID", async () => {
  const tickets = await Promise.all(Array.from({ length: 50 }, () => issueTicket(secret, holder)));
  const numbers = await Promise.all(tickets.map(async ({ ticket }) => (await readTicket(secret, ticket, "me")).jti));
  expect(new Set(numbers).size).toBe(50);
});

test("a ticket opens only its own resource", async () => {
  const { ticket } = await issueTicket(secret, holder);
  await expect(readTicket(secret, ticket, "conversation:me")).rejects.toMatchObject(refused);
});

test("a ticket that was changed, or signed with another key, is invalid", async () => {
  const { ticket } = await issueTicket(secret, holder);
  const [payload, signature] = ticket.split(".") as [string, string];
  const forged = Buffer.from(JSON.stringify({ ...holder, user_id: 8, jti: 1, expires_at: 9e12 })).toString("base64url");
  const bareKey = await crypto.subtle.importKey("raw", Buffer.from(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const bare = Buffer.from(await crypto.subtle.sign("HMAC", bareKey, Buffer.from(payload))).toString("base64url");
  const others = [
    `${forged}.${signature}`,
    `${payload}.${bare}`,
    `${payload}.`,
    payload,
    `${ticket}.${signature}`,
    "",
    ".",
    "x".repeat(5_000),
    (await issueTicket(`${secret}x`, holder)).ticket,
  ];
  for (const text of others) await expect(readTicket(secret, text, "me")).rejects.toMatchObject(refused);
});

test("a long device label is truncated so that the ticket fits into a URL", async () => {
  const { ticket } = await issueTicket(secret, { ...holder, label: "x".repeat(10_000) });
  expect((await readTicket(secret, ticket, "me")).label).toHaveLength(100);
});
