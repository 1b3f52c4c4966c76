/** The supported image types, by the first bytes of their files. `.` matches any byte. */
const signatures = [
  { type: "image/png", extension: "png", begins: "89 50 4e 47 0d 0a 1a 0a" },
  { type: "image/jpeg", extension: "jpg", begins: "ff d8 ff" },
  { type: "image/gif", extension: "gif", begins: "47 49 46 38 . 61" },
  { type: "image/webp", extension: "webp", begins: "52 49 46 46 . . . . 57 45 42 50" },
] as const;

export type ImageKind = Pick<(typeof signatures)[number], "type" | "extension">;

export const imageTypes = signatures.map(({ type }) => type);

/** The image type of a file, detected from the content; undefined for other files. */
export function imageKind(bytes: Uint8Array): ImageKind | undefined {
  return signatures.find(({ begins }) =>
    begins.split(" ").every((byte, index) => byte === "." || bytes[index] === Number.parseInt(byte, 16)),
  );
}
