import * as fc from "fast-check";
import type { Listed } from "../support/openapi-operations.ts";
import { document } from "../support/openapi-operations.ts";
import { hostileContentType, hostileHeader, hostileNumber, hostileText, spoiled } from "./hostile-values.ts";
import { valuesOf, type JsonSchema, type SchemaContext } from "./json-schema.ts";
import type { FuzzRequest } from "./request.ts";
import type { Sender, World } from "./world.ts";

/** Requests for an operation of the OpenAPI document: its parameters and its body by their schemas, with hostile values among them. */

/** IDs and names that exist for everyone, by the path segment before them. */
const shared: Readonly<Record<string, readonly (string | number)[]>> = {
  spirits: [1, 3, 7, 18],
  templates: [1, 3],
  tools: ["grammar_checker"],
  classes: ["Developer", "Swiss Army Knife"],
  name: ["writer", "Writer Spirit"],
  models: ["gpt", "builtin/extractive", "llama3.2:latest"],
  tier: ["free", "basic", "premium"],
  providers: ["custom", "ollama", "nvidia", "workers-ai"],
  "sign-in": ["github"],
  callback: ["github"],
  parts: [1, 2],
};

/** The kinds of resources that a property of a body refers to. */
const referred: Readonly<Record<string, readonly string[]>> = {
  knowledge_base_id: ["knowledge-bases"],
  dataset_ids: ["datasets"],
  spirit_id: ["spirits"],
  spirit_ids: ["spirits"],
  template_id: ["templates"],
  class_name: ["classes"],
  model_id: ["minions", "external-models"],
  model: ["models", "external-models"],
  fallback_models: ["models", "external-models"],
  conversation_id: ["conversations"],
  attachment_ids: ["attachments"],
  provider: ["providers"],
};

/** IDs that no resource can have, and texts that are none. A hostile text can make the path that of another operation. */
const hostileIds = [
  0,
  -1,
  1.5,
  2147483647,
  2147483648,
  "9".repeat(30),
  "abc",
  "1;2",
  "١",
  "1%00",
  "null",
  "1e3",
  "0x1",
  "1'",
  "%F0%9F",
];

const ticketOrText = fc.oneof(fc.constantFrom("unknown", "a.b.c", "e30.e30"), hostileText);

/** A request, and who sends it: undefined for an anonymous one. */
export type Generated = { sender: Sender | undefined; request: FuzzRequest };

/** A generator of requests by the users of a world. The same seed gives the same request while the users have the same resources. */
export function requestGenerator(world: World): (listed: Listed, seed: number) => Generated {
  let current: Sender = world.senders[0]!;
  const idsOf = (kind: string, owner: Sender) => [...(owner.ids.get(kind) ?? []), ...(shared[kind] ?? [])];
  const context: SchemaContext = {
    rarity: 8,
    resolve: (reference) => document.components.schemas[reference.split("/").at(-1)!]! as JsonSchema,
    candidates(property) {
      if (property === "base_url") return [world.provider];
      if (property === "resource") return ["me", ...idsOf("conversations", current).map((id) => `conversation:${id}`)];
      const kinds = referred[property] ?? [];
      const ids = kinds.flatMap((kind) => idsOf(kind, current));
      return property.includes("model") && !property.endsWith("_id") ? ids.map(String) : ids;
    },
  };
  const bodies = new Map<string, fc.Arbitrary<unknown>>();

  function bodyOf(listed: Listed, schema: JsonSchema): fc.Arbitrary<unknown> {
    const known = bodies.get(listed.name) ?? valuesOf(schema, context);
    bodies.set(listed.name, known);
    return known;
  }

  return (listed, seed) => {
    let seeds = seed;
    const draw = <T>(arbitrary: fc.Arbitrary<T>): T => fc.sample(arbitrary, { seed: (seeds += 1), numRuns: 1 })[0]!;
    const oneIn = (parts: number): boolean => draw(fc.nat(parts - 1)) === 0;
    const sender = drawSender(world, listed, draw);
    current = sender ?? world.senders[0]!;

    const owners = [current, current, current, world.victim, world.senders[1]!];
    const path = drawPath(listed, (kind) => {
      if (oneIn(5)) return draw(fc.oneof(fc.constantFrom<string | number>(...hostileIds), hostileText));
      const ids = idsOf(kind, draw(fc.constantFrom(...owners)));
      return ids.length === 0 ? draw(fc.integer({ min: 1, max: 200_000 })) : draw(fc.constantFrom(...ids));
    });
    const content = drawContent(listed, draw, (schema) => draw(bodyOf(listed, schema)));
    const hostile = oneIn(4) ? Object.fromEntries(draw(fc.array(hostileHeader, { minLength: 1, maxLength: 3 }))) : {};
    const method = oneIn(25)
      ? draw(fc.constantFrom("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"))
      : listed.method;
    const headers = {
      ...drawCredential(sender, draw),
      ...drawHeaders(listed, draw, context),
      ...(content.type === undefined ? {} : { "content-type": oneIn(15) ? draw(hostileContentType) : content.type }),
      ...hostile,
      // Limits count by address.
      "cf-connecting-ip": `198.18.${draw(fc.nat(255))}.${draw(fc.nat(255))}`,
    };
    const body = method === "GET" || method === "HEAD" ? undefined : content.body;
    const wrongLength =
      body === undefined || !oneIn(60) ? undefined : Math.max(0, body.byteLength + draw(fc.integer({ min: -20, max: 20 })));
    return {
      sender,
      request: {
        operationId: listed.operation.operationId,
        method,
        path: path + drawQuery(listed, draw, context),
        headers,
        body,
        ...(wrongLength === undefined ? {} : { contentLength: wrongLength }),
        sender: sender?.name ?? "anonymous",
        isExact:
          method === listed.method &&
          wrongLength === undefined &&
          !path.includes("%2E") &&
          !isFixedPath(path, listed.path) &&
          !("upgrade" in hostile),
      },
    };
  };
}

type Draw = <T>(arbitrary: fc.Arbitrary<T>) => T;

/** Whether a value made the path that of another operation, such as `/datasets/health`. */
function isFixedPath(path: string, template: string): boolean {
  try {
    return template.includes("{") && Object.hasOwn(document.paths, decodeURIComponent(path).replace(/\/$/, ""));
  } catch {
    // Not UTF-8, so it is no path of the document.
    return false;
  }
}

function drawSender({ senders, administrator }: World, { path }: Listed, draw: Draw): Sender | undefined {
  const isAdministration = path.includes("/admin/");
  return draw(
    fc.oneof(
      { weight: isAdministration ? 2 : 8, arbitrary: fc.constantFrom<Sender | undefined>(...senders) },
      { weight: isAdministration ? 6 : 1, arbitrary: fc.constant(administrator) },
      { weight: 1, arbitrary: fc.constant(undefined) },
    ),
  );
}

function drawCredential(sender: Sender | undefined, draw: Draw): Record<string, string> {
  if (sender === undefined)
    return draw(fc.constantFrom({}, { authorization: "Bearer unknown" }, { authorization: "Basic eA==" }));
  const bearer = { authorization: `Bearer ${sender.person.token}` };
  const cookie = { cookie: `__Host-spiritforge=${sender.person.token}` };
  const key = { authorization: `Bearer ${sender.apiKey}` };
  return draw(fc.constantFrom(bearer, bearer, bearer, bearer, bearer, bearer, bearer, bearer, key, cookie));
}

/** The path, with a value for each parameter. @param valueOf a value for the segment before it */
function drawPath({ path }: Listed, valueOf: (kind: string) => string | number): string {
  const segments = path.split("/");
  return segments
    .map((segment, index) =>
      segment.replace(/\{(\w+)\}/g, (_, name: string) => {
        const before = segments[index - 1] ?? "";
        return encodeSegment(valueOf(name === "tier" || name === "part" ? `${name}s`.replace("tiers", "tier") : before));
      }),
    )
    .join("/");
}

/** Encodes a value as one segment, dots and lone surrogates too. */
function encodeSegment(value: string | number): string {
  const text = String(value);
  if (text === "") return "%20";
  return encode(text).replaceAll(/^\.+$/g, (dots) => "%2E".repeat(dots.length));
}

const encode = (text: string): string =>
  text.isWellFormed() ? encodeURIComponent(text) : encodeURIComponent(text.toWellFormed()).replaceAll("%EF%BF%BD", "%ED%A0%80");

function drawQuery({ operation }: Listed, draw: Draw, context: SchemaContext): string {
  const pairs: string[] = [];
  for (const { name, in: place, schema } of operation.parameters ?? []) {
    if (place !== "query" || draw(fc.nat(9)) < 3) continue;
    const value = draw(
      fc.oneof(
        { weight: 3, arbitrary: valuesOf(schema as JsonSchema, { ...context, rarity: Infinity }, name) },
        { weight: 2, arbitrary: name.includes("ticket") ? ticketOrText : hostileText },
        { weight: 1, arbitrary: hostileNumber },
      ),
    );
    pairs.push(`${encode(name)}=${encode(String(value))}`);
    if (draw(fc.nat(30)) === 0) pairs.push(pairs.at(-1)!);
  }
  if (draw(fc.nat(15)) === 0)
    pairs.push(draw(fc.constantFrom("unknown=1", "=", "&", "limit=-1", "cursor=%FF", "a[]=1&a[b]=2", "%", "limit=1e9")));
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

function drawHeaders({ operation }: Listed, draw: Draw, context: SchemaContext): Record<string, string> {
  const named = (operation.parameters ?? []).filter(({ in: place }) => place === "header" && draw(fc.nat(4)) === 0);
  return Object.fromEntries(
    named.map(({ name, schema }) => {
      const value = String(draw(valuesOf(schema as JsonSchema, { ...context, rarity: Infinity }, name)));
      return [name, value.replaceAll(notInHeaders, "?")];
    }),
  );
}

/** Characters that no HTTP client sends in a header. */
const notInHeaders = /[^ -~\u0080-\u00ff]/g;

type Content = { type?: string; body: Uint8Array | undefined };

const encoder = new TextEncoder();

/** A body for an operation, and its type. Operations without one sometimes get one, too. */
function drawContent({ method, operation }: Listed, draw: Draw, valueOf: (schema: JsonSchema) => unknown): Content {
  const content = operation.requestBody?.content;
  if (content === undefined) {
    const isUnasked = method !== "GET" && draw(fc.nat(7)) === 0;
    return isUnasked ? { type: "application/json", body: encoder.encode("{}") } : { body: undefined };
  }
  if (draw(fc.nat(40)) === 0) return { body: undefined };
  const json = content["application/json"];
  if (json === undefined) return drawUpload(Object.keys(content), draw);
  const text = JSON.stringify(withUnknownKey(valueOf(json.schema), draw)) ?? "null";
  const body = draw(fc.nat(11)) === 0 ? draw(spoiled(text)) : encoder.encode(text);
  return { type: "application/json", body };
}

function withUnknownKey(value: unknown, draw: Draw): unknown {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject && draw(fc.nat(14)) === 0 ? { ...value, [draw(hostileText)]: draw(hostileNumber) } : value;
}

/** Files of every kind that a reader looks into. */
const files = [
  "",
  "\0",
  "plain text\n\nmore of it",
  '{"question":"a","answer":"b"}\n{"question":',
  'a,b\n1,2\n"',
  "PK\x03\x04",
  "%PDF-1.7\n%%EOF",
];
const moreFiles = [
  "\x89PNG\r\n\x1a\n",
  "GIF89a\x01\0\x01\0",
  "\xff\xd8\xff\xe0",
  "PAR1PAR1",
  "\xef\xbb\xbf[",
  "<!doctype html><p>x",
  "\xff\xfea\0",
];

function drawUpload(types: readonly string[], draw: Draw): Content {
  const type = draw(fc.constantFrom(...types));
  const bytes = draw(
    fc.oneof(
      fc.constantFrom(...files, ...moreFiles).map((text) => new Uint8Array(Buffer.from(text, "latin1"))),
      fc.uint8Array({ maxLength: 200 }),
    ),
  );
  if (type !== "multipart/form-data") return { type, body: bytes };
  const name = draw(fc.constantFrom("notes.txt", "a.png", "", '"; filename="b', "x".repeat(300), "é\u202e.csv")).replaceAll(
    '"',
    "%22",
  );
  const field = draw(fc.constantFrom("file", "file", "avatar", "attachment", "other"));
  const head = `--fuzz\r\ncontent-disposition: form-data; name="${field}"; filename="${name}"\r\ncontent-type: text/plain\r\n\r\n`;
  const tail = draw(fc.nat(9)) === 0 ? "" : "\r\n--fuzz--\r\n";
  return { type: `${type}; boundary=fuzz`, body: Buffer.concat([Buffer.from(head), bytes, Buffer.from(tail)]) };
}
