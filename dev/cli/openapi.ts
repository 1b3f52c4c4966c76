import type { Hono } from "hono";
import * as z from "zod";
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from "zod-openapi";
import { aliases } from "../../src/http/path-aliases.ts";
import { sessionCookie } from "../../src/auth/cookies.ts";
import { maxBodyBytes, type Upload } from "../../src/http/body.ts";
import { headerSchema, isDocumented, type AppEnv, type RouteDoc } from "../../src/http/route.ts";
import { authErrors } from "../../src/auth/errors.ts";
import { errorTypes } from "../../src/errors.ts";
import { AppError, errorTypeOf, problemOf, requestParts, type ErrorType, type ErrorTypeOrCode } from "../../src/kit/errors.ts";

/** Problem details (RFC 9457) with our own members, and `success` and `error` for older clients. */
const Problem = z
  .looseObject({
    type: z.string().meta({ description: "Where the kind of problem is explained" }),
    title: z.string(),
    status: z
      .union([z.int(), z.string()])
      .meta({ description: "HTTP status; the health routes of the spirits say `error` here" }),
    detail: z.string().meta({ description: "What went wrong this time, in a sentence" }),
    code: z.enum(errorTypes.map(({ code }) => code)),
    request_id: z.string(),
    errors: z
      .array(z.object({ path: z.string(), in: z.enum(requestParts), message: z.string() }))
      .optional()
      .meta({ description: "Every fault of the input" }),
    success: z.literal(false),
    error: z.string().meta({ description: "Same as `detail`, for older clients" }),
    message: z.string().meta({ description: "Same as `detail`, for older clients" }),
  })
  .meta({ id: "Problem" });

/** Failures that can meet any request. */
const always: readonly ErrorTypeOrCode[] = ["rate_limited", "internal", "misconfigured"];

const replyHeaders = z.object({
  "X-Request-Id": z.string().meta({ description: "The caller's own id if it was well formed, else a new one" }),
  "Server-Timing": z.string().meta({ description: "Round trips made: milliseconds in `dur`, how many in `desc`" }),
});

const conditionalHeaders = replyHeaders.extend({
  ETag: z.string(),
  "Cache-Control": z.string(),
  "X-Cache": z.enum(["memory", "kv", "origin", "stale"]).meta({ description: "The tier that had the catalog" }),
});

const conditionalRequest = z.object({
  "If-None-Match": z.string().optional().meta({ description: "ETags of what the client holds, or `*`: 304 if it is current" }),
});

/**
 * Writes the OpenAPI 3.1 document of every route that `route` made.
 * @throws an error for a route without documentation
 */
export function describeApi(app: Hono<AppEnv>) {
  const paths: ZodOpenApiPathsObject = {};
  const undocumented: string[] = [];
  for (const { method, path, handler } of app.routes) {
    if (method === "ALL") continue;
    if (!isDocumented(handler)) {
      undocumented.push(`${method} ${path}`);
      continue;
    }
    const template = path.replace(/:(\w+)(?:\{[^}]*\})?/g, "{$1}");
    for (const [index, published] of [template, ...aliasesOf(template)].entries()) {
      paths[published] = { ...paths[published], [method.toLowerCase()]: operation(handler.doc, index) };
    }
  }
  if (undocumented.length > 0) throw new Error(`Routes without documentation: ${undocumented.join(", ")}`);
  const document = {
    openapi: "3.1.0" as const,
    info: {
      title: "Spiritforge",
      version: "2.0.0",
      description: [
        "One edge API for products built around AI minions.",
        "Every failure is problem details (RFC 9457) in `application/problem+json`; its `code` is the part to rely on, and `/problems` explains each.",
        "Paths marked deprecated are older published ones: they answer the same bytes as the canonical path.",
        `A trailing slash is ignored. JSON bodies hold at most ${maxBodyBytes} bytes.`,
      ].join("\n\n"),
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    paths,
    components: {
      securitySchemes: {
        session: { type: "http" as const, scheme: "bearer", description: "The token of a device that is signed in" },
        apiKey: { type: "http" as const, scheme: "bearer", description: "An API key, within its scopes" },
        minionToken: { type: "http" as const, scheme: "bearer", description: "The token of a minion, for that minion alone" },
        cookie: {
          type: "apiKey" as const,
          in: "cookie" as const,
          name: sessionCookie,
          description: "What a browser is signed in by",
        },
      },
    },
  };
  // Replies may gain keys: only requests are closed.
  return createDocument(document, {
    override: ({ jsonSchema, io }) => {
      if (io === "output" && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  });
}

function aliasesOf(path: string): string[] {
  return aliases
    .filter(([, canonical]) => path === canonical || path.startsWith(`${canonical}/`))
    .map(([alias, canonical]) => alias + path.slice(canonical.length));
}

/** @param alias which of its aliases it is published at, from 1; 0 for the canonical path */
function operation(doc: RouteDoc, alias: number): ZodOpenApiOperationObject {
  const { status = 200, sseDescription: events } = doc;
  const content = {
    ...(status === 204 ? {} : { "application/json": { schema: doc.reply } }),
    ...(events === undefined ? {} : { "text/event-stream": { schema: z.string().meta({ description: events }) } }),
  };
  return {
    operationId: doc.id + (alias === 0 ? "" : alias === 1 ? "AtAlias" : `AtAlias${alias}`),
    summary: doc.summary,
    ...describe(doc),
    tags: [doc.tag],
    ...(alias > 0 ? { deprecated: true } : {}),
    security: doc.access?.schemes.map((scheme) => ({ [scheme]: [] })) ?? [],
    requestParams: {
      ...(doc.params ? { path: doc.params } : {}),
      ...(doc.query ? { query: doc.query as z.ZodObject } : {}),
      ...requestHeaders(doc),
    },
    ...(doc.body && !doc.upload
      ? { requestBody: { required: true, content: { "application/json": { schema: doc.body } } } }
      : {}),
    ...(doc.upload ? { requestBody: { required: true, content: uploadContent(doc.upload, doc.body) } } : {}),
    responses: {
      [status === 204 ? 200 : status]: {
        description: "Done",
        headers: doc.conditional ? conditionalHeaders : replyHeaders,
        content,
      },
      ...(status === 204 ? { 204: { description: "There is nothing", headers: replyHeaders } } : {}),
      ...(doc.conditional ? { 304: { description: "The client's copy is current", headers: conditionalHeaders } } : {}),
      ...failureResponses(failuresOf(doc)),
    },
  };
}

/** A file, as a field of a form with what else it has, or as it is. */
function uploadContent({ field, types, maxBytes }: Upload, beside: RouteDoc["body"]) {
  const file = z.string().meta({ format: "binary", description: `At most ${maxBytes} bytes` });
  const asItIs = types.map((type) => [type, { schema: file }]);
  return {
    "multipart/form-data": { schema: z.object({ [field]: file, ...(beside instanceof z.ZodObject ? beside.shape : {}) }) },
    ...Object.fromEntries(asItIs),
  };
}

function requestHeaders(doc: RouteDoc): { header?: z.ZodObject } {
  const heeded = { ...(doc.conditional ? conditionalRequest.shape : {}), ...headerSchema(doc).shape };
  return Object.keys(heeded).length === 0 ? {} : { header: z.object(heeded) };
}

/** What it is for, and which permission it asks. */
function describe({ description, access }: RouteDoc): { description?: string } {
  const parts = [description, access && `Needs the permission \`${access.permission}\`.`].filter(Boolean);
  return parts.length === 0 ? {} : { description: parts.join(" ") };
}

function failuresOf(doc: RouteDoc): ErrorType[] {
  const errors: ErrorTypeOrCode[] = [
    ...(doc.access ? (["unauthenticated", "forbidden", authErrors.account_banned] as const) : []),
    ...(doc.access?.schemes.includes("cookie") ? [authErrors.cross_site] : []),
    ...(doc.body && !doc.upload ? (["malformed_json"] as const) : []),
    ...(doc.body || doc.upload ? (["payload_too_large", "unsupported_media_type"] as const) : []),
    ...(doc.params || doc.query || doc.body || doc.upload || doc.ifMatch || doc.replayResponse
      ? (["validation_failed"] as const)
      : []),
    ...(doc.ifMatch ? (["precondition_failed"] as const) : []),
    ...(doc.replayResponse ? (["idempotency_key_reused"] as const) : []),
    ...(doc.errors ?? []),
    ...always,
  ];
  return errors.map(errorTypeOf);
}

/** One response for each status, with an example for each code that comes with it. */
function failureResponses(types: readonly ErrorType[]) {
  return Object.fromEntries(
    Array.from(
      Map.groupBy(new Set(types), ({ status }) => status),
      ([status, group]) => [
        status,
        {
          description: group.map(({ title, code }) => `${title} (\`${code}\`)`).join(", "),
          headers: replyHeaders,
          content: {
            "application/problem+json": {
              schema: Problem,
              examples: Object.fromEntries(group.map((type) => [type.code, { value: exampleOf(type) }])),
            },
          },
        },
      ],
    ),
  );
}

function exampleOf(type: ErrorType) {
  const faults =
    type.code === "validation_failed" ? [{ path: "id", in: "path" as const, message: "must be a whole number" }] : [];
  return problemOf(new AppError(type, type.title, { issues: faults }), "8f14e45f-ceea-467f-a8b1-a1c6d6a1c0de-1");
}
