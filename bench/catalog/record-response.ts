/** The path that every catalog benchmark requests. */
export const path = "/api/v2/spirits";

/** Headers that differ between two responses. */
const variableHeaders = new Set(["date", "x-request-id"]);

/** The bindings with which the baseline Worker returns the recorded response. */
export type RecordedResponse = Record<"STATUS" | "HEADERS" | "BODY", string>;

/** Records a response of the production Worker after it has the catalog in memory. */
export async function recordResponse(url: string, headers: Record<string, string> = {}): Promise<RecordedResponse> {
  await fetch(new URL(path, url)).then((response) => response.arrayBuffer());
  const response = await fetch(new URL(path, url), { headers });
  const constantHeaders = [...response.headers].filter(([name]) => !variableHeaders.has(name));
  return {
    STATUS: String(response.status),
    HEADERS: JSON.stringify(Object.fromEntries(constantHeaders)),
    BODY: await response.text(),
  };
}

/** The ETag of a recorded response. */
export function recordedEtag({ HEADERS }: RecordedResponse): string {
  return JSON.parse(HEADERS).etag;
}
