import { LRUCache } from "lru-cache";
import { Buffer } from "node:buffer";

/** A secret that wraps data keys, and its version number in rows. */
export type KeyEncryptionSecret = { version: number; secret: string };

/** The current secret wraps new data keys. The previous ones unwrap keys from before a rotation. Each has at least 32 characters. */
export type Keyring = { current: KeyEncryptionSecret; previous?: readonly KeyEncryptionSecret[] };

/** A user's data key as stored in a row: wrapped with the secret of this version. */
export type DataKeyRow = { version: number; wrapped: string };

/** Encrypts secrets of users with the data key of their owner. A ciphertext is bound to its owner and its model. */
export type Vault = {
  /** Creates a random data key for a user. */
  wrapNewDataKey(userId: number): Promise<DataKeyRow>;
  /** @throws VaultError if the data key cannot be read */
  seal(row: DataKeyRow, userId: number, modelId: number | string, plaintext: string): Promise<string>;
  /** @throws VaultError */
  open(row: DataKeyRow, userId: number, modelId: number | string, sealed: string): Promise<string>;
  /** Wraps the same data key with the current secret. Ciphertexts stay valid. @throws VaultError */
  rewrap(row: DataKeyRow, userId: number): Promise<DataKeyRow>;
};

/**
 * A ciphertext cannot be decrypted: the keyring lacks the version, the format is unknown, or the text was changed or belongs to
 * another user, model or data key. AES-GCM does not say which. The message never contains a secret.
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

/** How long an unwrapped data key is cached, in milliseconds. */
const dataKeyLifeMs = 60_000;
const maxDataKeys = 1_000;

/** The prefix of the format: AES-256-GCM, nonce before ciphertext and tag, in base64url. */
const format = "v1";
const algorithm = "AES-GCM";
/** NIST SP 800-38D 8.2.2: a random nonce of 96 bits, for at most 2^32 encryptions under one key. */
const nonceBytes = 12;
const tagBytes = 16;
const aes256 = { name: algorithm, length: 256 };

const encoder = new TextEncoder();

/** Encoded as JSON, so that different lists of parts have different bytes. */
const additionalData = (...parts: readonly (string | number)[]) => encoder.encode(JSON.stringify(parts));

const parameters = (nonce: Uint8Array, data: Uint8Array) => ({ name: algorithm, iv: nonce, additionalData: data });

/**
 * Opens the vault of a keyring, once per isolate. It caches data keys in memory, unwrapped but not extractable.
 * @throws Error if a secret is too short or a version occurs twice
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

/** The last four characters of a key, to recognize it. Empty if the key is so short that four characters would reveal much of it. */
export function lastFour(key: string): string {
  return key.length < 12 ? "" : key.slice(-4);
}

/** HKDF (RFC 5869) with its own label, so that no other key derived from the secret equals this key. */
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
  // Buffer skips characters outside base64url, so the same bytes have many spellings. Only the canonical one is accepted.
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
