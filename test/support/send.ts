import type { TestApi } from "./api.ts";
import type { Listed } from "./openapi-operations.ts";
import { authHeader } from "./users.ts";

/** Sends a request with the given secret. @param given headers beside those of the example */
export function send(
  api: TestApi,
  { method }: Pick<Listed, "method">,
  { url, body, type = "application/json" }: { url: string; body?: string | Uint8Array | undefined; type?: string },
  secret?: string,
  given: Record<string, string> = {},
): Promise<Response> {
  return api.get(url, {
    method,
    headers: {
      ...(secret === undefined ? {} : authHeader(secret)),
      ...(body === undefined ? {} : { "content-type": type }),
      ...given,
    },
    ...(body === undefined ? {} : { body }),
  });
}
