import type { Hono } from "hono";
import * as z from "zod";
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from "zod-openapi";
import { aliases } from "../../src/http/path-aliases.ts";
import { sessionCookie } from "../../src/auth/cookies.ts";
import { maxBodyBytes, type Upload } from "../../src/http/body.ts";
import { headerSchema, isDocumented, type AppEnv, type RouteDoc } from "../../src/http/route.ts";
import { authErrors } from "../../src/auth/errors.ts";
import type { UnknownKeys } from "../../src/http/unknown-keys.ts";
import { errorTypes } from "../../src/errors.ts";
import { typedParameters } from "./parameters.ts";
import { closeObjects } from "./close-objects.ts";
import { AppError, errorTypeOf, problemOf, requestParts, type ErrorType, type ErrorTypeOrCode } from "../../src/kit/errors.ts";

/** Problem details (RFC 9457) with extension members, and `success`, `error` and `message` for older clients. */
const Problem = z
  .looseObject({
    type: z.string().meta({ description: "Link to the explanation of the code" }),
    title: z.string(),
    status: z
      .union([z.int(), z.string()])
      .meta({ description: "HTTP status; the health check of the spirits has `error` here" }),
    detail: z.string().meta({ description: "What went wrong in this request, and what to do" }),
    code: z.enum(errorTypes.map(({ code }) => code)),
    request_id: z.string(),
    errors: z
      .array(z.object({ path: z.string(), in: z.enum(requestParts), message: z.string() }))
      .optional()
      .meta({ description: "All faults of the input" }),
    success: z.literal(false),
    error: z.string().meta({ description: "Same as `detail`, for older clients" }),
    message: z.string().meta({ description: "Same as `detail`, for older clients" }),
  })
  .meta({ id: "Problem" });

/** The tags, in the order in which a user meets them. Every operation has one of them. */
const tags = [
  { name: "Accounts", description: "Register, sign in and out, verify the email address, reset the password" },
  { name: "Me", description: "Your profile, preferences and data" },
  { name: "Minions", description: "AI assistants that you own: their model, spirits, class, traits, avatar and token" },
  { name: "Conversations", description: "Conversations with a minion" },
  { name: "Messages", description: "Send messages, stream the answers, and edit, fork or rate them" },
  { name: "Memory", description: "What a minion remembers of you: facts that its conversations use" },
  { name: "Models", description: "Models of providers with your own API keys, built-in models, and usage" },
  { name: "Datasets", description: "Upload or import files, clean them, and read their rows" },
  { name: "Knowledge", description: "Knowledge bases: datasets that are indexed for search and for answers" },
  { name: "Spirits", description: "Catalog of spirits: skills that a minion can equip, with their bundles and plans" },
  { name: "Tools", description: "Catalog of the tools that spirits bring" },
  { name: "Classes", description: "Catalog of minion classes" },
  { name: "Templates", description: "Catalog of templates for new minions" },
  { name: "Progression", description: "Experience, levels, scores and the leaderboard" },
  { name: "Notifications", description: "Read notifications" },
  { name: "Sockets", description: "WebSockets for conversations and notifications" },
  { name: "Sessions", description: "The devices where you are signed in" },
  { name: "API keys", description: "Keys for programs, limited to scopes" },
  { name: "Administration", description: "For administrators: users, grants, failed jobs, the audit log and the catalog" },
  { name: "Health", description: "Status of the server and of its parts" },
  { name: "Aliases", description: "Older paths of other operations. Use the canonical paths instead" },
] as const;

type DescribedOperation = { operationId: string; requestBody?: { content: Record<string, { schema: object }> } };

const isTag = (name: string) => tags.some((tag) => tag.name === name);

/** Failures that any request can have. */
const always: readonly ErrorTypeOrCode[] = ["rate_limited", "internal", "misconfigured"];

const replyHeaders = z.object({
  "X-Request-Id": z.string().meta({ description: "The ID that the client sent, if it is well formed; else a new one" }),
  "Server-Timing": z.string().meta({ description: "Round trips to other services: milliseconds in `dur`, count in `desc`" }),
});

const conditionalHeaders = replyHeaders.extend({
  ETag: z.string(),
  "Cache-Control": z.string(),
  "X-Cache": z.enum(["memory", "kv", "origin", "stale"]).meta({ description: "The cache tier that served the catalog" }),
});

const conditionalRequest = z.object({
  "If-None-Match": z
    .string()
    .optional()
    .meta({ description: "ETags of the copies that the client has, or `*`. If a copy is current, the reply is 304" }),
});

/**
 * Creates the OpenAPI 3.1 document of all routes made with `route`.
 * @throws an error for a route without documentation, or a tag without a description
 */
export function describeApi(app: Hono<AppEnv>) {
  const paths: ZodOpenApiPathsObject = {};
  const unknownKeysById = new Map<string, UnknownKeys>();
  const undocumented: string[] = [];
  const unknownTags = new Set<string>();
  for (const { method, path, handler } of app.routes) {
    if (method === "ALL") continue;
    if (!isDocumented(handler)) {
      undocumented.push(`${method} ${path}`);
      continue;
    }
    if (!isTag(handler.doc.tag)) unknownTags.add(handler.doc.tag);
    const template = path.replace(/:(\w+)(?:\{[^}]*\})?/g, "{$1}");
    for (const [index, published] of [template, ...aliasesOf(template)].entries()) {
      const described = operation(handler.doc, index);
      paths[published] = { ...paths[published], [method.toLowerCase()]: described };
      unknownKeysById.set(described.operationId!, handler.doc.unknownKeys ?? "refuse");
    }
  }
  if (undocumented.length > 0) throw new Error(`Routes without documentation: ${undocumented.join(", ")}`);
  if (unknownTags.size > 0) throw new Error(`Tags without a description: ${[...unknownTags].join(", ")}`);
  const document = {
    openapi: "3.1.0" as const,
    info: {
      title: "Spiritforge",
      version: "2.0.0",
      description: [
        "One edge API for products built around AI minions.",
        "To try the operations here, sign in with `POST /api/auth/login`, choose Authorize, and paste the `token` of the reply as `session`.",
        "Every error is problem details (RFC 9457) in `application/problem+json`. Rely on its `code`; [/problems](/problems) explains the cause and the remedy of each code.",
        "Paths marked deprecated are older paths. They return the same response as the canonical path.",
        "A key of a JSON body that the schema does not list is refused where the schema says `additionalProperties: false`, and ignored elsewhere.",
        `A trailing slash is ignored. JSON bodies have at most ${maxBodyBytes.toLocaleString("en")} bytes.`,
      ].join("\n\n"),
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    tags: [...tags],
    paths,
    components: {
      securitySchemes: {
        session: {
          type: "http" as const,
          scheme: "bearer",
          description: "Session token: the `token` in the reply of `POST /api/auth/login` or `POST /api/auth/register`",
        },
        apiKey: {
          type: "http" as const,
          scheme: "bearer",
          description: "API key, limited to its scopes: the `key` in the reply of `POST /api/v2/api-keys`",
        },
        minionToken: {
          type: "http" as const,
          scheme: "bearer",
          description:
            "Token of one minion, for that minion only: the `token` in the reply of `POST /api/v2/minions/{id}/token`",
        },
        cookie: {
          type: "apiKey" as const,
          in: "cookie" as const,
          name: sessionCookie,
          description: "Session cookie of a browser: set by `POST /api/auth/login`",
        },
      },
    },
  };
  // Replies may get more keys later, so only requests are closed.
  const description = createDocument(document, {
    override: ({ jsonSchema, io }) => {
      if (io === "output" && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
      // Tools expect an object as `items`, so the length of a tuple is a bound of its own.
      if (jsonSchema.prefixItems !== undefined && typeof jsonSchema.items !== "object") {
        Object.assign(jsonSchema, { items: {}, maxItems: jsonSchema.prefixItems.length });
      }
    },
  });
  // Not recursive: generators make types of it that refer to themselves, which TypeScript refuses.
  Object.assign(description.components?.schemas ?? {}, { JsonValue: { description: "Any JSON value" } });
  const methods = Object.values(description.paths ?? {}).flatMap((item): unknown[] => Object.values(item));
  for (const { operationId, requestBody } of methods as DescribedOperation[]) {
    const json = requestBody?.content["application/json"];
    if (json !== undefined) json.schema = closeObjects(json.schema, unknownKeysById.get(operationId)!);
  }
  return description;
}

function aliasesOf(path: string): string[] {
  return aliases
    .filter(([, canonical]) => path === canonical || path.startsWith(`${canonical}/`))
    .map(([alias, canonical]) => alias + path.slice(canonical.length));
}

/** @param alias the number of the alias, from 1; 0 for the canonical path */
function operation(doc: RouteDoc, alias: number): ZodOpenApiOperationObject {
  const { status = 200, sseDescription: events } = doc;
  const isFile = doc.fileTypes !== undefined && doc.reply instanceof z.ZodString;
  const file = z.string().meta({ format: "binary" });
  const content = {
    ...(status === 204 || isFile ? {} : { "application/json": { schema: doc.reply } }),
    ...Object.fromEntries((doc.fileTypes ?? []).map((type) => [type, { schema: file }])),
    ...(events === undefined ? {} : { "text/event-stream": { schema: z.string().meta({ description: events }) } }),
  };
  return {
    operationId: doc.id + (alias === 0 ? "" : alias === 1 ? "AtAlias" : `AtAlias${alias}`),
    summary: doc.summary,
    ...describe(doc),
    tags: [alias > 0 ? "Aliases" : doc.tag],
    ...(alias > 0 || doc.tag === "Aliases" ? { deprecated: true } : {}),
    security: [...(doc.access?.optional ? [{}] : []), ...(doc.access?.schemes ?? []).map((scheme) => ({ [scheme]: [] }))],
    requestParams: {
      ...(doc.params ? { path: typedParameters(doc.params) } : {}),
      ...(doc.query ? { query: typedParameters(doc.query as z.ZodObject) } : {}),
      ...requestHeaders(doc),
    },
    ...(doc.body && !doc.upload
      ? {
          requestBody: {
            required: !doc.optionalBody,
            content: { "application/json": { schema: doc.body }, ...formContent(doc) },
          },
        }
      : {}),
    ...(doc.upload ? { requestBody: { required: true, content: uploadContent(doc.upload, doc.body) } } : {}),
    responses: {
      [status === 204 ? 200 : status]: {
        description: "Success",
        headers: doc.conditional ? conditionalHeaders : replyHeaders,
        content,
      },
      ...(status === 204 ? { 204: { description: "No content", headers: replyHeaders } } : {}),
      ...(doc.conditional ? { 304: { description: "The client's copy is current", headers: conditionalHeaders } } : {}),
      ...failureResponses(failuresOf(doc)),
    },
  };
}

/** The content of an upload: a form with the file and other fields, or the bytes of the file alone. */
function uploadContent({ field, types, maxBytes }: Upload, fields: RouteDoc["body"]) {
  const file = z.string().meta({ format: "binary", description: `At most ${maxBytes.toLocaleString("en")} bytes` });
  const rawTypes = types.map((type) => [type, { schema: file }]);
  return {
    "multipart/form-data": { schema: z.object({ [field]: file, ...(fields instanceof z.ZodObject ? fields.shape : {}) }) },
    ...Object.fromEntries(rawTypes),
  };
}

/** The content of a form that is accepted beside JSON. */
function formContent({ form, body }: RouteDoc) {
  if (form === undefined) return {};
  const { [form.upload.field]: file } = { [form.upload.field]: z.string().meta({ format: "binary" }).optional() };
  const fields = body instanceof z.ZodObject ? Object.keys(body.shape).map((key) => [key, z.string().optional()]) : [];
  return {
    "multipart/form-data": {
      schema: z.object({ ...Object.fromEntries(fields), modelData: z.string().optional(), [form.upload.field]: file! }),
    },
  };
}

function requestHeaders(doc: RouteDoc): { header?: z.ZodObject } {
  const headers = { ...(doc.conditional ? conditionalRequest.shape : {}), ...headerSchema(doc).shape };
  return Object.keys(headers).length === 0 ? {} : { header: z.object(headers) };
}

/** The description of an operation, with the permission that it requires. */
function describe({ description, access }: RouteDoc): { description?: string } {
  const required = access?.optional
    ? `Recognizes callers with the permission \`${access.permission}\`.`
    : access && `Requires the permission \`${access.permission}\`.`;
  const parts = [description, required].filter(Boolean);
  return parts.length === 0 ? {} : { description: parts.join(" ") };
}

function failuresOf(doc: RouteDoc): ErrorType[] {
  const guarded = doc.access !== undefined && !doc.access.optional;
  const errors: ErrorTypeOrCode[] = [
    ...(guarded ? (["unauthenticated", "forbidden", authErrors.account_banned] as const) : []),
    ...(guarded && doc.access?.schemes.includes("cookie") ? [authErrors.cross_site] : []),
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

/** One response for each status, with an example for each of its codes. */
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
