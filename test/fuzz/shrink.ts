import type { FuzzRequest } from "./request.ts";

/** The number of smaller requests that are tried. */
const maxAttempts = 40;

const kept = new Set(["authorization", "cookie", "content-type", "cf-connecting-ip"]);

/**
 * A smaller request that fails in the same way: without headers, parts of the query and members of the body that do not matter.
 * @param fails sends a request, and tells whether it fails in that way
 */
export async function shrink(request: FuzzRequest, fails: (request: FuzzRequest) => Promise<boolean>): Promise<FuzzRequest> {
  let smallest = request;
  let attempts = 0;
  for (;;) {
    let found: FuzzRequest | undefined;
    for (const smaller of smallerRequests(smallest)) {
      if (attempts >= maxAttempts) return smallest;
      attempts += 1;
      if (await fails(smaller)) {
        found = smaller;
        break;
      }
    }
    if (found === undefined) return smallest;
    smallest = found;
  }
}

function* smallerRequests(request: FuzzRequest): Generator<FuzzRequest> {
  for (const name of Object.keys(request.headers).filter((each) => !kept.has(each))) {
    const { [name]: _, ...headers } = request.headers;
    yield { ...request, headers };
  }
  const [path = "", query] = request.path.split("?");
  const pairs = query?.split("&") ?? [];
  for (const index of pairs.keys()) {
    const rest = pairs.toSpliced(index, 1);
    yield { ...request, path: rest.length === 0 ? path : `${path}?${rest.join("&")}` };
  }
  for (const body of smallerBodies(request.body)) yield { ...request, body };
}

/** The JSON body without one of its members, or with a shorter text. */
function* smallerBodies(body: Uint8Array | undefined): Generator<Uint8Array> {
  const value = parse(body);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return;
  const encode = (smaller: object) => new TextEncoder().encode(JSON.stringify(smaller));
  for (const [name, member] of Object.entries(value)) {
    const { [name]: _, ...rest } = value as Record<string, unknown>;
    yield encode(rest);
    if (typeof member === "string" && member.length > 1) {
      const half = Math.ceil(member.length / 2);
      for (const part of [member.slice(0, half), member.slice(half)]) yield encode({ ...value, [name]: part });
    }
  }
}

function parse(body: Uint8Array | undefined): unknown {
  try {
    return JSON.parse(Buffer.from(body ?? []).toString());
  } catch {
    return undefined;
  }
}
