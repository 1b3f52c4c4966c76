import type { Context, Handler } from "hono";
import type * as z from "zod";
import type { Actor, Ctx } from "./context.ts";
import { AppError, invalid, type FailureCode, type Fault } from "./kit/errors.ts";

export type AppEnv = { Bindings: Cloudflare.Env; Variables: { requestId: string; ctx: Ctx } };

/** What a route takes, gives and refuses: it validates the request, types the handler, and documents both. */
export type RouteDoc<
  Params extends z.ZodObject = z.ZodObject,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Reply extends z.ZodType = z.ZodType,
> = {
  /** Name of the operation for generated clients: `listSpirits`. */
  id: string;
  summary: string;
  description?: string;
  tag: string;
  params?: Params;
  query?: Query;
  body?: Body;
  reply: Reply;
  /** Status of the reply; 200 unless told. */
  status?: 200 | 201 | 202;
  /** Failures of its own, beside those that follow from what it takes. */
  fails?: readonly FailureCode[];
  /** Who may call it; everyone unless told. */
  access?: Access;
  /** A limit of its own. */
  limit?: Limit;
  /** Whether the reply carries an ETag and can be asked for conditionally. */
  conditional?: boolean;
};

/** A guard: who may call a route. Made by the features that know of callers. */
export type Access = {
  /** The schemes of the OpenAPI document that it takes. */
  schemes: readonly ("session" | "cookie" | "apiKey")[];
  /** Which permission it asks, for the document. */
  permission: string;
  /** The caller, if it is let in. @throws unauthenticated, forbidden, account_banned, cross_site */
  admit(c: Context<AppEnv>): Promise<Actor>;
};

/** How often a caller may use a route, beside what holds for every route. Made by limits. */
export type Limit = { policy: string; admit(ctx: Ctx): Promise<void> };

type Output<S> = S extends z.ZodType ? z.output<S> : undefined;

export type RouteInput<Params, Query, Body> = {
  ctx: Ctx;
  c: Context<AppEnv>;
  params: Output<Params>;
  query: Output<Query>;
  body: Output<Body>;
};

export type DocumentedHandler = Handler<AppEnv> & { doc: RouteDoc };

/** The largest JSON body we read, in bytes. */
export const maxBodyBytes = 64 * 1024;

/** Whether a handler was made by `route`, and so says what it does. */
export function isDocumented(handler: unknown): handler is DocumentedHandler {
  return typeof handler === "function" && "doc" in handler;
}

/**
 * Makes a handler that validates its input before it runs and replies with what it returns, as JSON.
 * A handler may return a `Response` of its own. Faults in path, query and body are told all at once.
 */
export function route<
  Reply extends z.ZodType,
  Params extends z.ZodObject = never,
  Query extends z.ZodType = never,
  Body extends z.ZodType = never,
>(
  doc: RouteDoc<Params, Query, Body, Reply>,
  handle: (input: RouteInput<Params, Query, Body>) => z.input<Reply> | Response | Promise<z.input<Reply> | Response>,
): DocumentedHandler {
  const handler = async (c: Context<AppEnv>): Promise<Response> => {
    if (doc.access !== undefined) c.set("ctx", c.get("ctx").actingAs(await doc.access.admit(c)));
    await doc.limit?.admit(c.get("ctx"));
    const faults: Fault[] = [];
    const input = {
      ctx: c.get("ctx"),
      c,
      params: validate(doc.params, c.req.param(), "path", faults),
      query: validate(doc.query, c.req.query(), "query", faults),
      body: doc.body && validate(doc.body, await readJson(c.req.raw), "body", faults),
    } as RouteInput<Params, Query, Body>;
    if (faults.length > 0) throw invalid(faults);
    const reply = await handle(input);
    return reply instanceof Response ? reply : c.json(reply as object, doc.status ?? 200);
  };
  return Object.assign(handler, { doc });
}

function validate(schema: z.ZodType | undefined, value: unknown, where: Fault["in"], faults: Fault[]): unknown {
  if (schema === undefined) return undefined;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const { path, message } of result.error.issues) faults.push({ path: path.join("."), in: where, message });
  return undefined;
}

/**
 * Reads a JSON body.
 * @throws unsupported_media_type, payload_too_large, malformed_json
 */
async function readJson(request: Request): Promise<unknown> {
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (type !== "application/json" && !/^application\/[\w.-]+\+json$/.test(type)) {
    const said = type === "" ? "has no Content-Type" : `is ${type}`;
    throw new AppError("unsupported_media_type", `The body ${said}; it must be application/json.`);
  }
  const bytes = await readBytes(request, maxBodyBytes);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes));
  } catch (cause) {
    const why = bytes.length === 0 ? "is empty" : cause instanceof SyntaxError ? "is not valid JSON" : "is not valid UTF-8";
    throw new AppError("malformed_json", `The body ${why}.`, { cause });
  }
}

/** Reads at most `limit` bytes, and stops at the first byte beyond, whatever Content-Length promised. */
async function readBytes(request: Request, limit: number): Promise<Uint8Array> {
  const tooLarge = () => new AppError("payload_too_large", `The body may hold at most ${limit} bytes.`);
  if (Number(request.headers.get("content-length") ?? 0) > limit) throw tooLarge();
  const bytes = new Uint8Array(limit);
  let length = 0;
  for await (const chunk of request.body ?? []) {
    if (length + chunk.length > limit) throw tooLarge();
    bytes.set(chunk, length);
    length += chunk.length;
  }
  return bytes.subarray(0, length);
}
