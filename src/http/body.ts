import { toPostgresText } from "../kit/db/text.ts";
import { AppError, validationError } from "../kit/errors.ts";
import { JsonError, parseJson } from "../kit/json.ts";

/** Maximum size of a JSON body, in bytes. */
export const maxBodyBytes = 64 * 1024;

/** A file that a route accepts, as the body or as a field of a form. */
export type Upload = { field: string; maxBytes: number; types: readonly string[] };

/** An uploaded file. A form also has the file name and other fields. */
export type Uploaded = { bytes: Uint8Array; name: string | undefined; fields: Record<string, string> };

/** A form: its file, if it has one, and its other fields. */
type Form = { file: Omit<Uploaded, "fields"> | undefined; fields: Record<string, string> };

/** Maximum size of a form without its file, in bytes. */
const formBytes = maxBodyBytes;

/**
 * Reads a JSON body.
 * @param isOptional whether an empty body is an empty object
 * @throws unsupported_media_type, payload_too_large, malformed_json
 */
export async function readJson(request: Request, isOptional = false): Promise<unknown> {
  const type = mediaTypeOf(request);
  if (!isJson(type) && !isOptional) throw unsupported(type, "It must be application/json.");
  const bytes = await readBytes(request, maxBodyBytes);
  if (isOptional && bytes.length === 0) return {};
  if (!isJson(type)) throw unsupported(type, "It must be application/json.");
  if (bytes.length === 0) throw malformed("is empty");
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch (cause) {
    throw malformed("is not valid UTF-8", "", cause);
  }
  try {
    return parseJson(text);
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    throw malformed(cause.message, cause.path, cause);
  }
}

function malformed(message: string, path = "", cause?: unknown): AppError {
  const detail = path === "" ? `The body ${message}.` : `${path}: ${message}.`;
  return new AppError("malformed_json", detail, { issues: [{ path, in: "body", message }], cause });
}

/**
 * Reads an uploaded file. The reader detects its type from the content.
 * @throws unsupported_media_type, payload_too_large; validation_failed for a form without the field
 */
export async function readUpload(request: Request, { field, maxBytes, types }: Upload): Promise<Uploaded> {
  const type = mediaTypeOf(request);
  if (type !== "multipart/form-data") {
    if (!acceptsFile(types, type)) {
      const remedy = `Send a form (multipart/form-data) with the field ${field}, or the bytes of the file as application/octet-stream.`;
      throw unsupported(type, remedy);
    }
    return { bytes: await readBytes(request, maxBytes), name: undefined, fields: {} };
  }
  const { file, fields } = await readForm(request, field, maxBytes);
  if (file === undefined) throw validationError([{ path: field, in: "body", message: "must be a file" }]);
  return { ...file, fields };
}

/** Reads a form that a route accepts beside JSON; undefined for another type. @throws payload_too_large */
export async function readFormBody(request: Request, { field, maxBytes }: Upload): Promise<Form | undefined> {
  return mediaTypeOf(request) === "multipart/form-data" ? readForm(request, field, maxBytes) : undefined;
}

/** Whether the bytes of a file may have a Content-Type. All types of texts, or of pictures, are equal: the content decides. */
function acceptsFile(types: readonly string[], type: string): boolean {
  if (type === "" || type === "application/octet-stream") return true;
  const kind = /^(?:text|image)\//.exec(type)?.[0];
  return types.some((each) => each === type || (kind !== undefined && each.startsWith(kind)));
}

/** Reads a form: its file, if it has one, and its other fields. @throws payload_too_large */
async function readForm(request: Request, field: string, maxBytes: number): Promise<Form> {
  const bytes = await readBytes(request, maxBytes + formBytes);
  const headers = { "content-type": request.headers.get("content-type")! };
  const form = await new Response(bytes, { headers }).formData().catch(() => new FormData());
  const file = form.get(field);
  const texts = Array.from(form.entries()).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  const fields = Object.fromEntries(texts);
  if (!(file instanceof File)) return { file: undefined, fields };
  if (file.size > maxBytes) throw tooLarge(maxBytes);
  return { file: { bytes: new Uint8Array(await file.arrayBuffer()), name: toPostgresText(file.name) }, fields };
}

const mediaTypeOf = (request: Request) => request.headers.get("content-type")?.split(";")[0]!.trim().toLowerCase() ?? "";

const isJson = (type: string) => type === "application/json" || /^application\/[\w.-]+\+json$/.test(type);

function unsupported(type: string, remedy: string): AppError {
  const fault = type === "" ? "The request has no Content-Type." : `The Content-Type is ${type}.`;
  return new AppError("unsupported_media_type", `${fault} ${remedy}`);
}

const tooLarge = (limit: number) => new AppError("payload_too_large", `The body is too large. The maximum is ${limit} bytes.`);

/**
 * Reads at most `limit` bytes, and fails at the first byte beyond, whatever `Content-Length` says. Of a body that is declared too long, up
 * to twice the limit is read and dropped before the reply.
 * @throws payload_too_large; malformed_json for a body that breaks off
 */
async function readBytes(request: Request, limit: number): Promise<Uint8Array> {
  const declared = Number(request.headers.get("content-length") ?? 0);
  if (declared > limit) {
    // A client that is still sending would see a broken connection, not the reply.
    if (declared <= 2 * limit) for await (const _ of unbroken(request.body));
    throw tooLarge(limit);
  }
  const bytes = new Uint8Array(limit);
  let length = 0;
  for await (const chunk of unbroken(request.body)) {
    if (length + chunk.length > limit) throw tooLarge(limit);
    bytes.set(chunk, length);
    length += chunk.length;
  }
  return bytes.subarray(0, length);
}

/** The chunks of a body. @throws malformed_json for a body that breaks off before its `Content-Length` */
async function* unbroken(body: Request["body"]): AsyncGenerator<Uint8Array> {
  try {
    yield* body ?? [];
  } catch (cause) {
    throw new AppError("malformed_json", "The body is incomplete: it is shorter than its Content-Length.", { cause });
  }
}
