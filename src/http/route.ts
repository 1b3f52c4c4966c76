import type { Context, Handler } from "hono";
import * as z from "zod";
import type { Actor, Ctx } from "../context.ts";
import { readFormBody, readJson, readUpload, type Upload } from "./body.ts";
import { IdempotencyKey, runIdempotent } from "./idempotent.ts";
import { unknownKeyFaults, type UnknownKeys } from "./unknown-keys.ts";
import { validate } from "./validate.ts";
import { validationError, type ErrorTypeOrCode, type ValidationIssue } from "../kit/errors.ts";

export type AppEnv = {
  Bindings: Cloudflare.Env;
  Variables: {
    requestId: string;
    ctx: Ctx;
    errorCode?: string;
    /** Who sent the request, also if it was refused. Only the log reads it. */
    caller?: Actor;
  };
};

/** The input, reply and errors of a route. They validate the request, type the handler, and document both. */
export type RouteDoc<
  Params extends z.ZodObject = z.ZodObject,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Reply extends z.ZodType = z.ZodType,
> = {
  /** The `operationId`, for generated clients: `listSpirits`. */
  id: string;
  summary: string;
  description?: string;
  tag: string;
  params?: Params;
  query?: Query;
  body?: Body;
  /** Whether the JSON body may be absent. It is `{}` then. */
  optionalBody?: boolean;
  /** What happens to keys of a JSON body that `body` does not know. Default: they are refused. */
  unknownKeys?: UnknownKeys;
  /** Finds faults of the body that its schema cannot find. They are listed with the others. */
  check?(body: unknown): Promise<ValidationIssue[]>;
  /** A file instead of a JSON body. `body` then has the other fields of the form. */
  upload?: Upload;
  /** A form that is accepted beside JSON: its fields are converted to the JSON body, and it can have a file. */
  form?: { upload: Upload; toJson(fields: Readonly<Record<string, string>>): unknown };
  reply: Reply;
  /** The types of the files that the reply can be. A binary `reply` is always one of them; another reply can be JSON, too. */
  fileTypes?: readonly string[];
  /** Status of the reply. Default: 200. A 204 has no body. */
  status?: 101 | 200 | 201 | 202 | 204;
  /** Describes the server-sent events that a 200 streams to clients that accept them, or always if the other status is 204. */
  sseDescription?: string;
  /** Errors of this route, in addition to those that follow from its input. */
  errors?: readonly ErrorTypeOrCode[];
  /** The guard that admits callers. Default: everyone. */
  access?: Access;
  /** An additional rate limit of this route. */
  limit?: Limit;
  /** Whether the reply has an ETag, and the route accepts `If-None-Match`. */
  conditional?: boolean;
  /** Whether the route accepts `If-Match`: the version of the resource that the client read. */
  ifMatch?: boolean;
  /**
   * Rebuilds the reply for a retry with the same Idempotency-Key, from the result ID that `commitOnce` stored.
   * Every POST that creates or pays has one.
   */
  replayResponse?(input: ReplayInput<Params>): z.input<Reply> | Promise<z.input<Reply>>;
};

/** A retry of a request, and the ID of the result of the first one. */
export type ReplayInput<Params> = { ctx: Ctx; params: Output<Params>; resultId: string };

/** A guard that decides who may call a route. */
export type Access = {
  /** The security schemes of the OpenAPI document that it accepts. */
  schemes: readonly ("session" | "cookie" | "apiKey" | "minionToken")[];
  /** The permission that it requires, for the document. */
  permission: string;
  /** Whether it also admits anonymous callers. The handler then calls `admit`. */
  optional?: boolean;
  /** Authenticates and authorizes the caller. @throws unauthenticated, forbidden, account_banned, cross_site */
  admit(c: Context<AppEnv>): Promise<Actor>;
};

/** A rate limit of a route, in addition to the limits for all routes. */
export type Limit = { policy: string; admit(ctx: Ctx): Promise<void> };

type Output<S> = S extends z.ZodType ? z.output<S> : undefined;

export type RouteInput<Params, Query, Body> = {
  ctx: Ctx;
  c: Context<AppEnv>;
  params: Output<Params>;
  query: Output<Query>;
  body: Output<Body>;
  /** The bytes of the uploaded file, and its name if a form has one. A `form` can have none. */
  file: Uint8Array;
  fileName: string | undefined;
  /** The version in `If-Match`. */
  expectedVersion: number | undefined;
};

export type DocumentedHandler = Handler<AppEnv> & { doc: RouteDoc };

type HandlerResult<Reply extends z.ZodType> = z.input<Reply> | Response;

/** `"3"`, `W/"3"` (Cloudflare weakens ETags), or `*`, which matches any version. */
const IfMatch = z
  .string()
  .regex(/^(\*|(W\/)?"\d{1,9}")$/, 'must be a version in quotes, such as "3"')
  .transform((tag) => (tag === "*" ? undefined : Number(/\d+/.exec(tag)![0])))
  .optional()
  .meta({
    description:
      "The `version` that you read, in quotes. If the resource has changed since then, nothing happens and the reply is 412",
  });

/** The query of a route that declares none. Libraries may read it, so its text is checked. */
const AnyQuery = z.unknown();

type ParsedHeaders = { "if-match"?: number | undefined; "idempotency-key"?: string | undefined };

/** The schema of the headers that a route accepts. */
export function headerSchema(doc: Pick<RouteDoc, "ifMatch" | "replayResponse">) {
  return z.object({
    ...(doc.ifMatch ? { "if-match": IfMatch } : {}),
    ...(doc.replayResponse ? { "idempotency-key": IdempotencyKey } : {}),
  });
}

/** Whether a handler was made with `route`. */
export function isDocumented(handler: unknown): handler is DocumentedHandler {
  return typeof handler === "function" && "doc" in handler;
}

/**
 * Creates a handler that validates its input, runs, and replies with its return value as JSON.
 * A handler may return a `Response` instead. A 422 lists the faults of path, query and body together.
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
  const acceptedHeaders = doc.ifMatch || doc.replayResponse ? headerSchema(doc) : undefined;
  const handler = async (c: Context<AppEnv>): Promise<Response> => {
    if (doc.access !== undefined && !doc.access.optional) c.set("ctx", c.get("ctx").withActor(await doc.access.admit(c)));
    await doc.limit?.admit(c.get("ctx"));
    const faults: ValidationIssue[] = [];
    const headers = validate(acceptedHeaders, c.req.header(), "header", faults) as ParsedHeaders | undefined;
    const uploaded = doc.upload && (await readUpload(c.req.raw, doc.upload));
    const form = doc.form && (await readFormBody(c.req.raw, doc.form.upload));
    const fields = form && doc.form!.toJson(form.fields);
    const json = fields ?? (doc.body && (uploaded ? uploaded.fields : await readJson(c.req.raw, doc.optionalBody)));
    const input = {
      ctx: c.get("ctx"),
      c,
      params: validate(doc.params, c.req.param(), "path", faults),
      query: validate(doc.query ?? AnyQuery, c.req.query(), "query", faults),
      body: validate(doc.body, json, "body", faults),
      file: (uploaded ?? form?.file)?.bytes,
      fileName: (uploaded ?? form?.file)?.name,
      expectedVersion: headers?.["if-match"],
    } as RouteInput<Params, Query, Body>;
    if (doc.body && !uploaded)
      faults.push(...unknownKeyFaults({ body: doc.body, reply: doc.reply, unknownKeys: doc.unknownKeys }, json));
    if (doc.check) faults.push(...(await doc.check(json)));
    if (faults.length > 0) throw validationError(faults);
    const key = headers?.["idempotency-key"];
    const reply = await (key === undefined ? handle(input) : runOnce(doc, input, { key, body: json }, handle));
    if (reply instanceof Response) return reply;
    return c.json(reply as object, doc.status === 101 || doc.status === 204 ? 200 : doc.status);
  };
  return Object.assign(handler, { doc });
}

/** Runs a request with an Idempotency-Key once. @throws idempotency_key_reused */
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
      run: (guardedCtx) => handle({ ...input, ctx: guardedCtx }),
      replay: (resultId) => doc.replayResponse!({ ctx, params, resultId }),
    },
  );
}
