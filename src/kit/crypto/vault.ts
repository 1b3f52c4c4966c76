import { LRUCache } from "lru-cache";
import { Buffer } from "node:buffer";

/** A secret that data keys are wrapped under, and the number it goes by in rows. */
export type KeyEncryptionSecret = { version: number; secret: string };

/** Secrets of 32 characters at least: what is wrapped from now on, and what was before the last rotations. */
export type Keyring = { current: KeyEncryptionSecret; previous?: readonly KeyEncryptionSecret[] };

/** A user's data key as a row keeps it: wrapped under the secret of this version. */
export type DataKeyRow = { version: number; wrapped: string };

/** Keeps secrets of users: each is encrypted under the data key of its owner, bound to its owner and to the model it is for. */
export type Vault = {
  /** A new data key for a user, at random. */
  wrapNewDataKey(userId: number): Promise<DataKeyRow>;
  /** @throws VaultError if the data key cannot be read */
  seal(row: DataKeyRow, userId: number, modelId: number | string, plaintext: string): Promise<string>;
  /** @throws VaultError */
  open(row: DataKeyRow, userId: number, modelId: number | string, sealed: string): Promise<string>;
  /** The same data key under the current secret; what was sealed stays as it is. @throws VaultError */
  rewrap(row: DataKeyRow, userId: number): Promise<DataKeyRow>;
};

/**
 * Nothing that was sealed can be read: the row names a version that the keyring lacks, a text is none of ours, or a text was
 * changed or belongs to another user, model or data key. Which of those, AES-GCM does not tell. Never says a secret.
 */
export class VaultError extends Error {
  override readonly name = "VaultError";
  readonly reason: "unknown_version" | "malformed" | "unreadable";

  constructor(reason: VaultError["reason"], message: string) {
    super(message);
    this.reason = reason;
  }
}

const minSecretLength = 32;

/** How long an unwrapped data key is used again, in milliseconds, so that a warm call unwraps nothing. */
const dataKeyLifeMs = 60_000;
const maxDataKeys = 1_000;

/** Names the format of a text: AES-256-GCM, nonce before ciphertext and tag, in base64url. */
const format = "v1";
const algorithm = "AES-GCM";
/** NIST SP 800-38D 8.2.2: a random nonce of 96 bits, for at most 2^32 encryptions under one key. */
const nonceBytes = 12;
const tagBytes = 16;
const aes256 = { name: algorithm, length: 256 };

const encoder = new TextEncoder();

/** JSON, so that no two lists of parts give the same bytes. */
const additionalData = (...parts: readonly (string | number)[]) => encoder.encode(JSON.stringify(parts));

const parameters = (nonce: Uint8Array, data: Uint8Array) => ({ name: algorithm, iv: nonce, additionalData: data });

/**
 * The vault of a keyring. Opened once in an isolate: it keeps data keys in memory, unwrapped but not extractable.
 * @throws Error if a secret is too short or a version stands twice
 */
export function openVault({ current, previous = [] }: Keyring): Vault {
  const secrets = new Map([current, ...previous].map(({ version, secret }) => [version, secret]));
  if (secrets.size < previous.length + 1) throw new Error("The keyring has a version twice.");
  for (const [version, { length }] of secrets) {
    if (length < minSecretLength)
      throw new Error(`The secret of version ${version} is shorter than ${minSecretLength} characters.`);
  }

  const keyEncryptionKeys = new Map<number, CryptoKey>();
  const dataKeys = new LRUCache<string, { key: CryptoKey; until: number }>({ max: maxDataKeys });

  async function keyEncryptionKey(version: number): Promise<CryptoKey> {
    const secret = secrets.get(version);
    if (secret === undefined) throw new VaultError("unknown_version", `The keyring has no secret of version ${version}.`);
    const key = keyEncryptionKeys.get(version) ?? (await deriveKeyEncryptionKey(secret));
    keyEncryptionKeys.set(version, key);
    return key;
  }

  async function wrap(dataKey: CryptoKey, userId: number): Promise<DataKeyRow> {
    const { version } = current;
    const nonce = crypto.getRandomValues(new Uint8Array(nonceBytes));
    const bounds = parameters(nonce, additionalData("data key", version, userId));
    const wrapped = await crypto.subtle.wrapKey("raw", dataKey, await keyEncryptionKey(version), bounds);
    return { version, wrapped: toText(nonce, wrapped) };
  }

  async function unwrap({ version, wrapped }: DataKeyRow, userId: number, extractable = false): Promise<CryptoKey> {
    const wrappingKey = await keyEncryptionKey(version);
    const { nonce, ciphertext } = fromText(wrapped);
    const bounds = parameters(nonce, additionalData("data key", version, userId));
    return readable(
      crypto.subtle.unwrapKey("raw", ciphertext, wrappingKey, bounds, aes256, extractable, ["encrypt", "decrypt"]),
    );
  }

  async function dataKeyOf(row: DataKeyRow, userId: number): Promise<CryptoKey> {
    const name = `${userId} ${row.version} ${row.wrapped}`;
    const known = dataKeys.get(name);
    if (known !== undefined && known.until > Date.now()) return known.key;
    dataKeys.delete(name);
    const key = await unwrap(row, userId);
    dataKeys.set(name, { key, until: Date.now() + dataKeyLifeMs });
    return key;
  }

  return {
    async wrapNewDataKey(userId) {
      const key = (await crypto.subtle.generateKey(aes256, true, ["encrypt", "decrypt"])) as CryptoKey;
      return wrap(key, userId);
    },
    async seal(row, userId, modelId, plaintext) {
      const nonce = crypto.getRandomValues(new Uint8Array(nonceBytes));
      const bounds = parameters(nonce, additionalData("secret", userId, modelId));
      return toText(nonce, await crypto.subtle.encrypt(bounds, await dataKeyOf(row, userId), encoder.encode(plaintext)));
    },
    async open(row, userId, modelId, sealed) {
      const { nonce, ciphertext } = fromText(sealed);
      const bounds = parameters(nonce, additionalData("secret", userId, modelId));
      const plaintext = await readable(crypto.subtle.decrypt(bounds, await dataKeyOf(row, userId), ciphertext));
      return Buffer.from(plaintext).toString();
    },
    async rewrap(row, userId) {
      return row.version === current.version ? row : wrap(await unwrap(row, userId, true), userId);
    },
  };
}

/** The last four characters of a key, to recognise it by; none of one so short that four would tell much of it. */
export function lastFour(key: string): string {
  return key.length < 12 ? "" : key.slice(-4);
}

/** HKDF (RFC 5869) under a label of its own, so that nothing else that is made of the secret is this key. */
async function deriveKeyEncryptionKey(secret: string): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey("raw", encoder.encode(secret), "HKDF", false, ["deriveKey"]);
  const derivation = {
    name: "HKDF",
    hash: "SHA-256",
    salt: new Uint8Array(),
    info: encoder.encode("vault key-encryption key"),
  };
  return crypto.subtle.deriveKey(derivation, material, aes256, false, ["wrapKey", "unwrapKey"]);
}

function toText(nonce: Uint8Array, ciphertext: ArrayBuffer): string {
  return `${format}.${Buffer.concat([nonce, Buffer.from(ciphertext)]).toString("base64url")}`;
}

/** @throws VaultError */
function fromText(text: string): { nonce: Uint8Array; ciphertext: Uint8Array } {
  const encoded = text.startsWith(`${format}.`) ? text.slice(format.length + 1) : "";
  const bytes = Buffer.from(encoded, "base64url");
  // Buffer skips what is no base64url, so one text has many spellings: only ours counts.
  if (bytes.length < nonceBytes + tagBytes || bytes.toString("base64url") !== encoded) {
    throw new VaultError("malformed", "The text is not in the format of the vault.");
  }
  return { nonce: bytes.subarray(0, nonceBytes), ciphertext: bytes.subarray(nonceBytes) };
}

async function readable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch {
    throw new VaultError("unreadable", "The ciphertext was changed, or belongs to another user, model or data key.");
  }
}
