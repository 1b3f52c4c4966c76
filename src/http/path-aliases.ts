/** Older published paths, and their canonical paths. The first matching prefix wins. */
export const aliases: readonly (readonly [alias: string, canonical: string])[] = [
  ["/api/spirits", "/api/v2/spirits"],
  ["/api/models-v2", "/api/v2/models"],
  ["/api/models", "/api/v2/models"],
];

/** The path for routing: without aliases, and without a trailing slash. */
export function canonicalPath(path: string): string {
  const bare = path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
  if (bare.startsWith("/api/v2/")) return bare;
  for (const [alias, canonical] of aliases) {
    if (bare === alias || bare.startsWith(`${alias}/`)) return canonical + bare.slice(alias.length);
  }
  return bare;
}

/** The path and the query of an absolute URL. Faster than parsing it. */
export function splitUrl(url: string): { path: string; query: string } {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const mark = url.indexOf("?", start);
  return mark === -1 ? { path: url.slice(start), query: "" } : { path: url.slice(start, mark), query: url.slice(mark) };
}
