import { describe, expect, test } from "vitest";
import { parseQueueInfo, parseSecretList, parseWhoami } from "../../../../dev/cli/deploy/account.ts";
import { notFoundWorker, notLoggedIn, queueInfo, secretList, unknownQueue, whoami } from "./recorded.ts";

const succeeded = (stdout: string) => ({ ok: true, stdout, output: stdout });
const failed = (stdout: string, stderr = "") => ({ ok: false, stdout, output: stdout + stderr });

describe("wrangler whoami --json", () => {
  test("the accounts of the logged-in user are parsed", () => {
    expect(parseWhoami(succeeded(whoami))).toEqual([{ id: "0123456789abcdef0123456789abcdef", name: "Ada" }]);
  });

  test.each([failed(notLoggedIn), failed(""), failed("no JSON")])("no account is found in %j", (result) => {
    expect(parseWhoami(result)).toBeUndefined();
  });
});

describe("wrangler secret list", () => {
  test("the names of the secrets are parsed", () => {
    expect(parseSecretList(succeeded(secretList(["DATABASE_URL", "AUTH_SECRET"])))).toEqual(["DATABASE_URL", "AUTH_SECRET"]);
    expect(parseSecretList(succeeded("[]\n"))).toEqual([]);
  });

  test("a Worker that was never deployed has no secrets, and other errors are thrown", () => {
    expect(parseSecretList(failed("", notFoundWorker))).toEqual([]);
    expect(() => parseSecretList(failed("", "Authentication error"))).toThrow(
      "wrangler could not list the secrets:\nAuthentication error",
    );
  });
});

describe("wrangler queues info", () => {
  test("the existence of a queue is parsed, and other errors are thrown", () => {
    expect(parseQueueInfo(succeeded(queueInfo))).toBe(true);
    expect(parseQueueInfo(failed("", unknownQueue("spiritforge-jobs-dead")))).toBe(false);
    expect(() => parseQueueInfo(failed("", "Authentication error"))).toThrow("wrangler could not look up a queue");
  });
});
