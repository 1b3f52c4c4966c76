import type * as z from "zod";
import type { ValidationIssue } from "../kit/errors.ts";
import { ok } from "../kit/http/zod-schemas.ts";

/**
 * What a route does with keys of a JSON body that its schema does not know: refuse them at every depth, ignore those at the top
 * level and refuse the others, or allow all of them.
 */
export type UnknownKeys = "refuse" | "ignoreTopLevel" | "allow";

type Path = readonly string[];
type Json = Readonly<Record<string, unknown>>;

/**
 * Finds the keys of a JSON body that its schema does not know. An object whose schema is open (`z.record`, `z.looseObject`) takes any
 * key at every depth.
 * @param reply the schema of the reply. A key that its resource has "is read-only"
 */
export function unknownKeyFaults(
  { body, reply, unknownKeys = "refuse" }: { body: z.ZodType; reply: z.ZodType; unknownKeys?: UnknownKeys | undefined },
  value: unknown,
): ValidationIssue[] {
  if (unknownKeys === "allow") return [];
  const paths = unknownPaths(body, value).filter((path) => path.length > 1 || unknownKeys === "refuse");
  if (paths.length === 0) return [];
  const resources = resourcesOf(reply, body);
  return paths.map((path) => {
    const message = resources.some((resource) => hasPath(resource, path)) ? "is read-only" : "is not a known key";
    return { path: path.join("."), in: "body" as const, message };
  });
}

/** The paths of the keys in a JSON value that its schema does not know. Strict objects report theirs when they are parsed. */
function unknownPaths(schema: z.core.$ZodType, value: unknown, path: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [];
  const { def } = unwrap(schema)._zod;
  const inside = (child: z.core.$ZodType | null | undefined, key: string | number, item: unknown) =>
    child && typeof item === "object" ? unknownPaths(child, item, [...path, String(key)]) : [];
  if (Array.isArray(value)) {
    if (def.type === "array") return value.flatMap((item, index) => inside(def.element, index, item));
    if (def.type === "tuple") return value.flatMap((item, index) => inside(def.items[index] ?? def.rest, index, item));
  } else {
    const entries = Object.entries(value as Json);
    if (def.type === "record") return entries.flatMap(([key, item]) => inside(def.valueType, key, item));
    if (def.type === "object") {
      return entries.flatMap(([key, item]) => {
        if (Object.hasOwn(def.shape, key)) return inside(def.shape[key], key, item);
        return def.catchall === undefined ? [[...path, key]] : inside(def.catchall, key, item);
      });
    }
  }
  if (def.type === "union") return unknownPathsOfUnion(def.options, value, path);
  if (def.type !== "intersection") return [];
  const right = new Set(unknownPaths(def.right, value, path).map((found) => JSON.stringify(found)));
  return unknownPaths(def.left, value, path).filter((found) => right.has(JSON.stringify(found)));
}

/** The unknown keys of the option that accepts the value or, if none does, of the option that knows the most of its keys. */
function unknownPathsOfUnion(options: readonly z.core.$ZodType[], value: object, path: Path): Path[] {
  const [only, ...others] = options.filter((option) => takes(option, Array.isArray(value)));
  if (only === undefined) return [];
  if (others.length === 0) return unknownPaths(only, value, path);
  const all = [only, ...others];
  const accepting = all.filter((option) => (option as z.ZodType).safeParse(value).success);
  const found = (accepting.length > 0 ? accepting : all).map((option) => unknownPaths(option, value, path));
  return found.reduce((least, paths) => (paths.length < least.length ? paths : least));
}

/** Whether a schema can accept an array, or an object. */
function takes(schema: z.core.$ZodType, isArray: boolean): boolean {
  const { def } = unwrap(schema)._zod;
  if (def.type === "union") return def.options.some((option) => takes(option, isArray));
  if (def.type === "array" || def.type === "tuple") return isArray;
  if (def.type === "object" || def.type === "record" || def.type === "intersection") return !isArray;
  return def.type === "unknown" || def.type === "any";
}

/** The schema of the input itself: without `optional`, `nullable`, defaults and transformations. */
function unwrap(schema: z.core.$ZodType): z.core.$ZodTypes {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if (def.type === "lazy") return unwrap(def.getter());
  if (def.type === "pipe") return unwrap(def.in._zod.def.type === "transform" ? def.out : def.in);
  return "innerType" in def ? unwrap(def.innerType) : (schema as z.core.$ZodTypes);
}

/**
 * The resources in a reply: its objects, and the objects in its lists. Without them, the reply itself is the resource if it has a
 * key of the body.
 */
function resourcesOf(reply: z.core.$ZodType, body: z.core.$ZodType): z.core.$ZodType[] {
  const shape = shapeOf(reply);
  const resources = Object.values(shape)
    .map((schema) => unwrap(schema))
    .map((schema) => (schema._zod.def.type === "array" ? schema._zod.def.element : schema))
    .filter((schema) => unwrap(schema)._zod.def.type === "object");
  if (resources.length > 0) return resources;
  return Object.keys(shapeOf(body)).some((key) => Object.hasOwn(shape, key) && !Object.hasOwn(ok, key)) ? [reply] : [];
}

function shapeOf(schema: z.core.$ZodType): Readonly<Record<string, z.core.$ZodType>> {
  const { def } = unwrap(schema)._zod;
  return def.type === "object" ? def.shape : {};
}

/** Whether a schema has a property at a path. */
function hasPath(schema: z.core.$ZodType, [key, ...rest]: Path): boolean {
  if (key === undefined) return true;
  const { def } = unwrap(schema)._zod;
  if (def.type === "array") return hasPath(def.element, rest);
  const shape = shapeOf(schema);
  return Object.hasOwn(shape, key) && !Object.hasOwn(ok, key) && hasPath(shape[key]!, rest);
}
