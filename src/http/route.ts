import type { Context, Handler } from "hono";
import * as z from "zod";
import type { Actor, Ctx } from "../context.ts";
import { readJson, readUpload, type Upload } from "./body.ts";
import { IdempotencyKey, runIdempotent } from "./idempotent.ts";
import { validate } from "./validate.ts";
import { validationError, type ErrorTypeOrCode, type ValidationIssue } from "../kit/errors.ts";

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
  /** A file, in place of a body of JSON: then `body` is what the form has beside it. */
  upload?: Upload;
  reply: Reply;
  /** Status of the reply; 200 unless told. Of 204 the reply is nothing. */
  status?: 101 | 200 | 201 | 202 | 204;
  /** What 200 tells as server-sent events: to clients that ask for those, or, where the reply is nothing, if there is something. */
  sseDescription?: string;
  /** Failures of its own, beside those that follow from what it takes. */
  errors?: readonly ErrorTypeOrCode[];
  /** Who may call it; everyone unless told. */
  access?: Access;
  /** A limit of its own. */
  limit?: Limit;
  /** Whether the reply carries an ETag and can be asked for conditionally. */
  conditional?: boolean;
  /** Whether `If-Match` is heeded: the version that a client has seen, of what it changes. */
  ifMatch?: boolean;
  /**
   * The reply to a repetition of a request with an Idempotency-Key, rebuilt from what the first one made: what its `commitOnce` said.
   * Every POST that creates or pays has one.
   */
  replayResponse?(input: ReplayInput<Params>): z.input<Reply> | Promise<z.input<Reply>>;
};

/** A request that was had before, and what it made then. */
export type ReplayInput<Params> = { ctx: Ctx; params: Output<Params>; resultId: string };

/** A guard: who may call a route. Made by the features that know of callers. */
export type Access = {
  /** The schemes of the OpenAPI document that it takes. */
  schemes: readonly ("session" | "cookie" | "apiKey" | "minionToken")[];
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
  /** The bytes of the file, of a route that takes an upload; and what it is called, where a form says so. */
  file: Uint8Array;
  fileName: string | undefined;
  /** The version in `If-Match`, of a route that is `versioned`. */
  expectedVersion: number | undefined;
};

export type DocumentedHandler = Handler<AppEnv> & { doc: RouteDoc };

type HandlerResult<Reply extends z.ZodType> = z.input<Reply> | Response;

/** `"3"`, `W/"3"` (Cloudflare weakens ETags), or `*`, which any version is. */
const IfMatch = z
  .string()
  .regex(/^(\*|(W\/)?"\d{1,9}")$/, 'must be a version in quotes, such as "3"')
  .transform((tag) => (tag === "*" ? undefined : Number(/\d+/.exec(tag)![0])))
  .optional()
  .meta({
    description: "The `version` that was seen, in quotes: where it has changed since, nothing is done and the reply is 412",
  });

type ParsedHeaders = { "if-match"?: number | undefined; "idempotency-key"?: string | undefined };

/** The headers that a route heeds, as it is documented. */
export function headerSchema(doc: Pick<RouteDoc, "ifMatch" | "replayResponse">) {
  return z.object({
    ...(doc.ifMatch ? { "if-match": IfMatch } : {}),
    ...(doc.replayResponse ? { "idempotency-key": IdempotencyKey } : {}),
  });
}

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
  handle: (input: RouteInput<Params, Query, Body>) => HandlerResult<Reply> | Promise<HandlerResult<Reply>>,
): DocumentedHandler {
  const heeded = doc.ifMatch || doc.replayResponse ? headerSchema(doc) : undefined;
  const handler = async (c: Context<AppEnv>): Promise<Response> => {
    if (doc.access !== undefined) c.set("ctx", c.get("ctx").withActor(await doc.access.admit(c)));
    await doc.limit?.admit(c.get("ctx"));
    const faults: ValidationIssue[] = [];
    const headers = validate(heeded, c.req.header(), "header", faults) as ParsedHeaders | undefined;
    const uploaded = doc.upload && (await readUpload(c.req.raw, doc.upload));
    const json = doc.body && (uploaded ? uploaded.fields : await readJson(c.req.raw));
    const input = {
      ctx: c.get("ctx"),
      c,
      params: validate(doc.params, c.req.param(), "path", faults),
      query: validate(doc.query, c.req.query(), "query", faults),
      body: validate(doc.body, json, "body", faults),
      file: uploaded?.bytes,
      fileName: uploaded?.name,
      expectedVersion: headers?.["if-match"],
    } as RouteInput<Params, Query, Body>;
    if (faults.length > 0) throw validationError(faults);
    const key = headers?.["idempotency-key"];
    const reply = await (key === undefined ? handle(input) : runOnce(doc, input, { key, body: json }, handle));
    if (reply instanceof Response) return reply;
    return c.json(reply as object, doc.status === 101 || doc.status === 204 ? 200 : doc.status);
  };
  return Object.assign(handler, { doc });
}

/** Does what a request with an Idempotency-Key asks once. @throws idempotency_key_reused */
function runOnce<Params extends z.ZodObject, Query extends z.ZodType, Body extends z.ZodType, Reply extends z.ZodType>(
  doc: RouteDoc<Params, Query, Body, Reply>,
  input: RouteInput<Params, Query, Body>,
  { key, body }: { key: string; body: unknown },
  handle: (input: RouteInput<Params, Query, Body>) => HandlerResult<Reply> | Promise<HandlerResult<Reply>>,
): Promise<HandlerResult<Reply>> {
  const { ctx, c, params } = input;
  return runIdempotent<HandlerResult<Reply>>(
    ctx,
    c,
    { operation: doc.id, key, body },
    {
      run: (claiming) => handle({ ...input, ctx: claiming }),
      replay: (made) => doc.replayResponse!({ ctx, params, resultId: made }),
    },
  );
}
