import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import { beforeEach, describe, expect, test, vi } from "vitest";

/** The page that sets a new password: its text, and its script on the few elements that it touches. */

const page = readFileSync("src/pages/reset-password.html", "utf8");
/** Both modules of the page as one script. */
const script = ["email-link.js", "reset-password.js"]
  .map((name) => readFileSync(`src/pages/reference/${name}`, "utf8"))
  .join("\n")
  .replace(/^import .*$/m, "")
  .replace("export function", "function");
const password = "correct horse battery";

const fetch = vi.fn<(url: string, init: { body: string }) => Promise<object>>();

beforeEach(() => {
  fetch.mockReset();
});

/** Opens the page at this query. */
function open(query: string) {
  const listeners: ((event: object) => void)[] = [];
  const button = { disabled: false };
  const form = {
    querySelector: () => button,
    elements: [{ disabled: false }, { disabled: false }],
    addEventListener: (_: "submit", listener: (event: object) => void) => listeners.push(listener),
    remove: vi.fn<() => void>(),
  };
  const outcome = { textContent: "" };
  class FormData {
    get = (name: string) => (name === "password" ? password : null);
  }
  const elements: Record<string, object> = { reset: form, outcome };
  const document = { getElementById: (id: string) => elements[id] };
  runInNewContext(script, { document, location: { search: query }, URLSearchParams, FormData, fetch, JSON });
  const submit = () => {
    const preventDefault = vi.fn<() => void>();
    for (const listener of listeners) listener({ preventDefault });
    return preventDefault;
  };
  return { form, outcome, submit };
}

describe("the page for a new password", () => {
  test("the page names the product and shows the rules for passwords", () => {
    expect(page).toContain("<h1>Choose a new password for Spiritforge</h1>");
    expect(/<p id="rules">\s*([^<]+?)\s*<\/p>/.exec(page)?.[1]).toMatch(/^10 to 128 characters\./);
    expect(page).toContain('minlength="10"');
    expect(page).toContain('maxlength="128"');
    expect(page).toContain('src="/reference/reset-password.js"');
  });

  test.each(["", "?token=", "?other=1"])("the query “%s” is an incomplete link, and no password is taken", (query) => {
    const { form, outcome, submit } = open(query);
    expect(outcome.textContent).toMatch(/^This link is incomplete\. .*request a new one\.$/);
    expect(form.elements.map(({ disabled }) => disabled)).toEqual([true, true]);
    expect(form.remove).not.toHaveBeenCalled();
    submit();
    expect(fetch).not.toHaveBeenCalled();
  });

  test("the form sends the token and the password, shows the reply, and disappears", async () => {
    fetch.mockResolvedValue({ ok: true, json: async () => ({ message: "The password is changed." }) });
    const { form, outcome, submit } = open("?token=one%2Ftwo");
    expect(outcome.textContent).toBe("");
    expect(submit()).toHaveBeenCalledOnce();
    await expect.poll(() => form.remove.mock.calls.length).toBe(1);
    expect(outcome.textContent).toBe("The password is changed.");
    const [url, { body }] = fetch.mock.calls[0]!;
    expect(url).toBe("/api/auth/reset-password");
    expect(JSON.parse(body)).toEqual({ token: "one/two", password, revoke_api_keys: false });
  });

  test("a refusal is shown and the form stays", async () => {
    fetch.mockResolvedValue({ ok: false, json: async () => ({ message: "This link has expired." }) });
    const { form, outcome, submit } = open("?token=old");
    submit();
    await expect.poll(() => outcome.textContent).toBe("This link has expired.");
    expect(form.remove).not.toHaveBeenCalled();
  });

  test("a server that does not respond is reported", async () => {
    fetch.mockRejectedValue(new TypeError("Failed to fetch"));
    const { outcome, submit } = open("?token=any");
    submit();
    await expect.poll(() => outcome.textContent).toBe("The server does not respond. Try again.");
  });
});
