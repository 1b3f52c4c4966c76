/** The headers of a download. Browsers save it as a file and never show it as a page. @param name may have any characters */
export function downloadHeaders(name: string, type: string): Record<string, string> {
  const file = encodeURIComponent(name.toWellFormed()).replace(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);
  return {
    "content-type": type,
    "content-disposition": `attachment; filename*=UTF-8''${file}`,
    "cache-control": "private, no-store",
  };
}
