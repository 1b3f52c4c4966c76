/** The headers of a reply that is kept as a file, never shown as a page of ours, whatever is in it. @param name in any letters */
export function downloadHeaders(name: string, type: string): Record<string, string> {
  const file = encodeURIComponent(name.toWellFormed()).replace(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);
  return {
    "content-type": type,
    "content-disposition": `attachment; filename*=UTF-8''${file}`,
    "cache-control": "private, no-store",
  };
}
