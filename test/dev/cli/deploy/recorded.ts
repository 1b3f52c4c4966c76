/** What wrangler 4.156.0 prints. */

export const notLoggedIn = `{"loggedIn":false}\n`;

export const whoami = `{
    "loggedIn": true,
    "authType": "User API Token",
    "email": "ada@example.com",
    "accounts": [
        {
            "id": "0123456789abcdef0123456789abcdef",
            "name": "Ada"
        }
    ]
}
`;

export const queueInfo = `
 ⛅️ wrangler 4.156.0
────────────────────
Queue Name: spiritforge-jobs
Queue ID: 1
Created On: 2026-11-28T00:00:00Z
Last Modified: 2026-11-28T00:00:00Z
Number of Producers: 0
Number of Consumers: 0
`;

export const unknownQueue = (name: string) =>
  `\u001B[31m✘ \u001B[41;31m[\u001B[41;97mERROR\u001B[41;31m]\u001B[0m \u001B[1mQueue "${name}" does not exist. To create it, run: wrangler queues create ${name}\u001B[0m\n`;

export const notFoundWorker = `\u001B[31m✘ \u001B[41;31m[\u001B[41;97mERROR\u001B[41;31m]\u001B[0m \u001B[1mWorker "spiritforge" not found.\u001B[0m

  If this is a new Worker, run \`wrangler deploy\` first to create it.
  Otherwise, check that the Worker name is correct and you're logged into the right account.
`;

export const secretList = (names: readonly string[]) =>
  `${JSON.stringify(
    names.map((name) => ({ name, type: "secret_text" })),
    null,
    "  ",
  )}\n`;
