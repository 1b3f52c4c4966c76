/** Accounts: register, prove the e-mail address, list devices, and make an API key for a program. */
import { ApiError, createClient, register, step, waitFor } from "./support.ts";

step("Register");
const user = await register();
const { user: me } = await user.get<{ user: { id: number; roles: string[]; is_verified: boolean } }>("/api/v2/me");
console.log(`${user.username} has the roles ${me.roles.join(", ")}. Verified: ${me.is_verified ? "yes" : "no"}.`);

step("Prove the e-mail address");
// In development no mail leaves the machine: the server keeps it at /dev/mailbox.
const { mails } = await waitFor(
  () => createClient().get<{ mails: { subject: string; text: string }[] }>(`/dev/mailbox.json?to=${user.email}`),
  (mailbox) => mailbox.mails.length > 0,
);
const mail = mails[0]!;
const link = new URL(/https?:\S*verify-email\S*/.exec(mail.text)![0]);
// The link opens a page, whose button sends the token. Looking at the page proves nothing.
await createClient().post("/api/auth/verify-email", { token: link.searchParams.get("token") });
const verified = await user.get<{ user: { is_verified: boolean } }>("/api/v2/me");
console.log(`Confirmed the link in “${mail.subject}”. Verified: ${verified.user.is_verified ? "yes" : "no"}.`);

step("List the devices that are signed in");
type Session = { id: number; device: string; is_current: boolean };
const second = await createClient().post<{ token: string }>("/api/auth/login", {
  username: user.username,
  password: "correct horse battery staple",
});
const { sessions } = await user.get<{ sessions: Session[] }>("/api/v2/sessions");
for (const { id, device, is_current } of sessions) console.log(`session ${id} on ${device}${is_current ? ", this one" : ""}`);

step("Sign out every other device");
await user.delete("/api/v2/sessions");
try {
  // The isolate that revoked a session refuses it at once; others do so within about two minutes.
  await createClient(second.token).get("/api/v2/me");
} catch (error) {
  console.log(error instanceof ApiError ? `The second device is refused: ${error.status} ${error.code}` : error);
}

step("Make an API key that can only read the account");
const { key, api_key } = await user.post<{ key: string; api_key: { prefix: string } }>("/api/v2/api-keys", {
  name: "script",
  scopes: ["account.read"],
});
console.log(`${api_key.prefix}… is shown in full only once.`);
const program = createClient(key);
console.log(`It reads ${(await program.get<{ user: { username: string } }>("/api/v2/me")).user.username}.`);
try {
  await program.post("/api/v2/minions", { name: "guide", display_name: "Guide" });
} catch (error) {
  console.log(error instanceof ApiError ? `It cannot create a minion: ${error.status} ${error.code}` : error);
}

step("List the spirits that the account can use");
const access = await user.get<{ data: { spirit_id: number; source: string }[] }>(`/api/v2/spirits/user/${me.id}/access`);
for (const { spirit_id, source } of access.data) console.log(`spirit ${spirit_id} by ${source}`);
