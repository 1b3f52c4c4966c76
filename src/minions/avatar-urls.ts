/** Where a user's pictures are in R2: theirs go with them. */
export const picturesOf = (userId: number) => `users/${userId}/avatars/`;

export const avatarKey = (userId: number, file: string) => picturesOf(userId) + file;

/** Where clients get a picture that is kept under a key. Its name holds its content's hash, so what is there never changes. */
export function avatarUrl(key: string | null): string | null {
  const [, userId, , file] = key?.split("/") ?? [];
  return file === undefined ? null : `/api/v2/avatars/${userId}/${file}`;
}
