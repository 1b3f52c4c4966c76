import type { Context, NotFoundHandler } from "hono";
import { METHOD_NAME_ALL } from "hono/router";
import { TrieRouter } from "hono/router/trie-router";
import { addPreflight } from "./headers.ts";
import type { AppEnv } from "./route.ts";
import { AppError } from "../kit/errors.ts";

type Route = { path: string; method: string };

/**
 * Handles requests that match no route: OPTIONS returns 204 with the methods of the path, another method returns 405 with `Allow`, and
 * an unknown path returns 404.
 */
export function notFoundHandler(routes: () => readonly Route[]): NotFoundHandler<AppEnv> {
  let methodsByPath: TrieRouter<string> | undefined;

  const allowed = (path: string): string[] => {
    methodsByPath ??= indexMethods(routes());
    const methods = methodsByPath.match(METHOD_NAME_ALL, path)[0].map(([method]) => method);
    if (methods.length === 0) return [];
    return [...new Set([...methods, ...(methods.includes("GET") ? ["HEAD"] : []), "OPTIONS"])];
  };

  return (c: Context<AppEnv>) => {
    const methods = allowed(c.req.path);
    if (methods.length === 0) throw new AppError("not_found", `Nothing was found at ${c.req.path}. Check the path.`);
    const headers: Record<string, string> = { allow: methods.join(", ") };
    if (c.req.method !== "OPTIONS") {
      throw new AppError(
        "method_not_allowed",
        `${c.req.path} does not support ${c.req.method}. Use one of: ${headers["allow"]}.`,
        { headers },
      );
    }
    if (c.req.header("access-control-request-method") !== undefined) addPreflight(headers, methods);
    return new Response(null, { status: 204, headers });
  };
}

/** Indexes the methods of each path. Middleware is registered for all methods and is skipped. */
function indexMethods(routes: readonly Route[]): TrieRouter<string> {
  const router = new TrieRouter<string>();
  for (const { method, path } of routes) {
    if (method !== METHOD_NAME_ALL) router.add(METHOD_NAME_ALL, path, method);
  }
  return router;
}
