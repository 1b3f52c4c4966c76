import * as fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { lastFour, openVault, VaultError, type DataKeyRow } from "../../../src/kit/crypto/vault.ts";
import { startProbe } from "../support/start-worker.ts";

const first = { version: 1, secret: "the-first-secret-of-the-tests-0001" };
const second = { version: 2, secret: "the-second-secret-of-the-tests-002" };

const vault = openVault({ current: first });
const row = await vault.wrapNewDataKey(7);
const sealed = await vault.seal(row, 7, 12, "sk-canary-0123456789");

const unreadable = { name: "VaultError", reason: "unreadable" };

/** A text with one of its bytes changed. */
function tampered(text: string, index: number, flip: number): string {
  const bytes = Buffer.from(text.slice("v1.".length), "base64url");
  bytes[index]! ^= flip;
  return `v1.${bytes.toString("base64url")}`;
}

const sizeOf = (text: string) => Buffer.from(text.slice("v1.".length), "base64url").length;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("a sealed value", () => {
  test("any value can be opened after sealing", async () => {
    const property = fc.asyncProperty(
      fc.string({ unit: "grapheme" }),
      fc.nat(),
      fc.oneof(fc.nat(), fc.uuid()),
      async (text, user, model) => {
        const own = await vault.wrapNewDataKey(user);
        expect(await vault.open(own, user, model, await vault.seal(own, user, model, text))).toBe(text);
      },
    );
    await fc.assert(property);
    expect(await vault.open(row, 7, 12, await vault.seal(row, 7, 12, "\ufeffmark"))).toBe("\ufeffmark");
  });

  test("another isolate can open it", async () => {
    expect(await openVault({ current: first }).open(row, 7, 12, sealed)).toBe("sk-canary-0123456789");
  });

  test("it cannot be opened for another user, model or data key", async () => {
    const another = await vault.wrapNewDataKey(7);
    await expect(vault.open(row, 8, 12, sealed)).rejects.toMatchObject(unreadable);
    await expect(vault.open(row, 7, 13, sealed)).rejects.toMatchObject(unreadable);
    await expect(vault.open(row, 7, "12", sealed)).rejects.toMatchObject(unreadable);
    await expect(vault.open(another, 7, 12, sealed)).rejects.toMatchObject(unreadable);
  });

  test("it cannot be moved to another user together with its data key", async () => {
    const theirs = await vault.seal(await vault.wrapNewDataKey(8), 8, 12, "theirs");
    await expect(vault.open(row, 8, 12, theirs)).rejects.toMatchObject(unreadable);
    await expect(vault.seal(row, 8, 12, "mine")).rejects.toMatchObject(unreadable);
    await expect(vault.rewrap({ ...row, version: 1 }, 8)).resolves.toEqual(row);
    await expect(openVault({ current: second, previous: [first] }).rewrap(row, 8)).rejects.toMatchObject(unreadable);
  });

  test("it cannot be opened after a change of any byte of it or of its data key", async () => {
    for (let index = 0; index < sizeOf(sealed); index += 1) {
      for (const flip of [1, 0x80, 0xff]) {
        await expect(vault.open(row, 7, 12, tampered(sealed, index, flip))).rejects.toMatchObject(unreadable);
      }
    }
    for (let index = 0; index < sizeOf(row.wrapped); index += 1) {
      const changed = { ...row, wrapped: tampered(row.wrapped, index, 1) };
      await expect(vault.open(changed, 7, 12, sealed)).rejects.toMatchObject(unreadable);
    }
  });

  test.each([
    "",
    "v1",
    "v1.",
    "v1.AAAA",
    "v2.x",
    "x",
    `${sealed}=`,
    `${sealed} `,
    sealed.slice(3),
    sealed.slice(0, 30),
    `v1.${sealed}`,
  ])("malformed input %j is refused", async (text) => {
    await expect(vault.open(row, 7, 12, text)).rejects.toMatchObject({ name: "VaultError", reason: "malformed" });
    await expect(vault.open({ ...row, wrapped: text }, 7, 12, sealed)).rejects.toMatchObject({ reason: "malformed" });
  });

  test("values that were sealed by earlier versions can be opened", async () => {
    const pinned = {
      row: { version: 1, wrapped: "v1.VgU3ttgyA1Pfy5JGL4c6uCCAbDIOoo36AjR1_aKEvpNEOWEscPMqXWCuqU65kzrhcL4c_k7VDoOOlppo" },
      sealed: "v1.Y8YPvmIn-hBbIwtlGMsswuDPQZgm9cKbfofG_saH8rZtKbsk5XLXW08Km1AajbEV",
    };
    expect(await vault.open(pinned.row, 7, 12, pinned.sealed)).toBe("sk-canary-0123456789");
    expect([sizeOf(row.wrapped), sizeOf(sealed)]).toEqual([12 + 32 + 16, 12 + 20 + 16]);
  });
});

test("a hundred thousand encryptions never repeat a nonce", async () => {
  const nonces = new Set<string>();
  for (let batch = 0; batch < 100; batch += 1) {
    const texts = await Promise.all(Array.from({ length: 1_000 }, () => vault.seal(row, 7, 12, "sk-canary-0123456789")));
    for (const text of texts) nonces.add(Buffer.from(text.slice(3), "base64url").toString("latin1", 0, 12));
  }
  expect(nonces.size).toBe(100_000);
});

describe("rotation of the secret", () => {
  const rotating = openVault({ current: second, previous: [first] });

  test("all values stay readable, and the old secret is not needed after rewrapping", async () => {
    expect(await rotating.open(row, 7, 12, sealed)).toBe("sk-canary-0123456789");
    const after = await rotating.rewrap(row, 7);
    expect(after.version).toBe(2);
    expect(after.wrapped).not.toBe(row.wrapped);
    const alone = openVault({ current: second });
    expect(await alone.open(after, 7, 12, sealed)).toBe("sk-canary-0123456789");
    expect(await rotating.open(after, 7, 12, await vault.seal(row, 7, 12, "late"))).toBe("late");
    await expect(alone.open(row, 7, 12, sealed)).rejects.toMatchObject({ name: "VaultError", reason: "unknown_version" });
    await expect(alone.rewrap(row, 7)).rejects.toMatchObject({ reason: "unknown_version" });
  });

  test("a data key that is wrapped with the current secret is unchanged", async () => {
    const own = await rotating.wrapNewDataKey(7);
    expect(await rotating.rewrap(own, 7)).toBe(own);
  });

  test("the version of a wrapped data key cannot be replaced", async () => {
    await expect(rotating.open({ ...row, version: 2 }, 7, 12, sealed)).rejects.toMatchObject(unreadable);
    const sameSecret = openVault({ current: { ...first, version: 3 } });
    await expect(sameSecret.open({ ...row, version: 3 }, 7, 12, sealed)).rejects.toMatchObject(unreadable);
  });

  test("workerd opens what Node.js sealed, and the reverse", async () => {
    const probe = await startProbe();
    const keyring = { current: second, previous: [first] };
    type Rotated = { plaintext: string; fault: string; row: DataKeyRow; sealed: string };
    const rotated = await probe.run<Rotated>({ kind: "rotate", keyring, row, sealed });
    await probe.close();
    expect(rotated.plaintext).toBe("sk-canary-0123456789");
    expect(rotated.fault).toBe("VaultError: The ciphertext was changed, or belongs to another user, model or data key.");
    expect(await openVault({ current: second }).open(rotated.row, 7, 12, rotated.sealed)).toBe("sk-canary-0123456789");
    expect(await openVault({ current: second }).open(rotated.row, 7, 12, sealed)).toBe("sk-canary-0123456789");
  });

  test("another secret with the same version opens nothing", async () => {
    const wrong = openVault({ current: { ...second, version: 1 } });
    await expect(wrong.open(row, 7, 12, sealed)).rejects.toMatchObject(unreadable);
  });
});

test("a data key is unwrapped once a minute and cannot be exported from memory", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const unwrapKey = vi.spyOn(crypto.subtle, "unwrapKey");
  const cold = openVault({ current: first });
  for (let call = 0; call < 3; call += 1) await cold.open(row, 7, 12, sealed);
  expect(unwrapKey).toHaveBeenCalledTimes(1);
  const key = (await unwrapKey.mock.results[0]!.value) as CryptoKey;
  expect(key.extractable).toBe(false);
  vi.setSystemTime(Date.now() + 60_000);
  await cold.open(row, 7, 12, sealed);
  expect(unwrapKey).toHaveBeenCalledTimes(2);
});

test("a keyring with a short secret or a repeated version is refused", () => {
  const short = { version: 3, secret: "thirty-one characters and a bit" };
  expect(() => openVault({ current: short })).toThrow("The secret of version 3 is shorter than 32 characters.");
  expect(() => openVault({ current: first, previous: [short] })).toThrow("version 3");
  expect(() => openVault({ current: first, previous: [{ ...second, version: 1 }] })).toThrow("The keyring has a version twice");
});

test("no error contains a secret", async () => {
  const failures = await Promise.all(
    [
      vault.open(row, 8, 12, sealed),
      vault.open({ ...row, version: 9 }, 7, 12, sealed),
      vault.open(row, 7, 12, "sk-canary-0123456789"),
      vault.open({ ...row, wrapped: "sk-canary-0123456789" }, 7, 12, sealed),
    ].map((work) => work.catch((error: unknown) => error as VaultError)),
  );
  for (const error of failures) {
    expect(error).toBeInstanceOf(VaultError);
    expect((error as VaultError).cause).toBeUndefined();
    expect(`${String(error)} ${(error as VaultError).stack}`).not.toMatch(/canary-0|secret-of-the-tests/);
  }
  expect(() => openVault({ current: { version: 1, secret: "canary" } })).toThrow(/^(?!.*canary)/);
});

test("a key is shown by its last four characters, unless it is too short", () => {
  expect(lastFour("sk-canary-0123456789")).toBe("6789");
  expect(lastFour("abcdefghijkl")).toBe("ijkl");
  expect(lastFour("abcdefghijk")).toBe("");
});
