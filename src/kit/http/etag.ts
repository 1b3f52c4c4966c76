/** Whether an `If-None-Match` or `If-Match` value contains this strong ETag. Accepts lists and `*`, and ignores `W/`. */
export function matchesEtag(header: string, etag: string): boolean {
  if (header === etag || header === "*") return true;
  return header.split(",").some((candidate) => {
    const tag = candidate.trim();
    return (tag.startsWith("W/") ? tag.slice(2) : tag) === etag;
  });
}
