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
  const found: Path[] = [];
  finderOf(body)?.(value, [], found);
  const paths = found.filter((path) => path.length > 1 || unknownKeys === "refuse");
  if (paths.length === 0) return [];
  const resources = resourcesOf(reply, body);
  return paths.map((path) => {
    const message = resources.some((resource) => hasPath(resource, path)) ? "is read-only" : "is not a known key";
    return { path: path.join("."), in: "body" as const, message };
  });
}

/** Adds the paths of the unknown keys in a value to `found`. */
type Finder = (value: unknown, path: Path, found: Path[]) => void;

/** By schema; null if no value of the schema has unknown keys. */
const finders = new WeakMap<z.core.$ZodType, Finder | null>();

/** The finder of a schema, made when it is first used. */
function finderOf(schema: z.core.$ZodType | null | undefined): Finder | null {
  if (!schema) return null;
  const known = finders.get(schema);
  if (known !== undefined) return known;
  // A schema can contain itself, so its parts get their finders later.
  let find: Finder | undefined;
  const finder: Finder = (value, path, found) => (find ??= createFinder(schema))(value, path, found);
  const made = isOpen(schema) ? null : finder;
  finders.set(schema, made);
  return made;
}

function createFinder(schema: z.core.$ZodType): Finder {
  const def = defOf(schema);
  if (def.type === "array") {
    const finder = finderOf(def.element);
    return inList(() => finder);
  }
  if (def.type === "tuple") {
    const items = def.items.map(finderOf);
    const rest = finderOf(def.rest);
    return inList((index) => (index < items.length ? items[index]! : rest));
  }
  if (def.type === "record") {
    const finder = finderOf(def.valueType);
    return inObject(() => finder);
  }
  if (def.type === "object") {
    const known = new Map(Object.entries(def.shape).map(([key, property]) => [key, finderOf(property)]));
    const other = def.catchall === undefined ? addPath : finderOf(def.catchall);
    return inObject((key) => (known.has(key) ? known.get(key)! : other));
  }
  if (def.type === "union") return inUnion(def.options);
  return def.type === "intersection" ? inIntersection(def.left, def.right) : () => undefined;
}

const addPath: Finder = (_value, path, found) => void found.push(path);

function inList(finderAt: (index: number) => Finder | null): Finder {
  return (value, path, found) => {
    if (!Array.isArray(value)) return;
    for (const [index, item] of value.entries()) {
      if (typeof item === "object" && item !== null) finderAt(index)?.(item, [...path, String(index)], found);
    }
  };
}

function inObject(finderAt: (key: string) => Finder | null): Finder {
  return (value, path, found) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return;
    for (const key of Object.keys(value)) finderAt(key)?.((value as Json)[key], [...path, key], found);
  };
}

/** Finds the unknown keys of the option that accepts the value or, if none does, of the option that knows the most of its keys. */
function inUnion(options: readonly z.core.$ZodType[]): Finder {
  const [forLists, forObjects] = [true, false].map((isList) => options.filter((option) => takes(option, isList)));
  return (value, path, found) => {
    if (typeof value !== "object" || value === null) return;
    const candidates = (Array.isArray(value) ? forLists : forObjects)!;
    const accepting =
      candidates.length > 1 ? candidates.filter((option) => (option as z.ZodType).safeParse(value).success) : [];
    const [first = [], ...others] = (accepting.length > 0 ? accepting : candidates).map((option) => {
      const paths: Path[] = [];
      finderOf(option)?.(value, path, paths);
      return paths;
    });
    found.push(...others.reduce((least, paths) => (paths.length < least.length ? paths : least), first));
  };
}

/** Finds the keys that neither side knows. */
function inIntersection(left: z.core.$ZodType, right: z.core.$ZodType): Finder {
  return (value, path, found) => {
    const [ofLeft = [], ofRight = []] = [left, right].map((side) => {
      const paths: Path[] = [];
      finderOf(side)?.(value, path, paths);
      return paths;
    });
    const texts = new Set(ofRight.map((each) => JSON.stringify(each)));
    found.push(...ofLeft.filter((each) => texts.has(JSON.stringify(each))));
  };
}

/** Whether a schema can accept a list, or an object. */
function takes(schema: z.core.$ZodType, isList: boolean): boolean {
  const def = defOf(schema);
  if (def.type === "union") return def.options.some((option) => takes(option, isList));
  if (def.type === "array" || def.type === "tuple") return isList;
  if (def.type === "object" || def.type === "record" || def.type === "intersection") return !isList;
  return def.type === "unknown" || def.type === "any";
}

/** Whether no value of a schema has unknown keys: it contains no closed object, as in `z.json()`. */
function isOpen(schema: z.core.$ZodType, seen = new Set<z.core.$ZodType>()): boolean {
  const inner = unwrap(schema);
  if (seen.has(inner)) return true;
  seen.add(inner);
  const def = defOf(inner);
  if (def.type === "object" && def.catchall === undefined) return false;
  return partsOf(def).every((part) => isOpen(part, seen));
}

/** The schemas that a schema is made of. */
function partsOf(def: Definition): readonly z.core.$ZodType[] {
  if (def.type === "array") return [def.element];
  if (def.type === "tuple") return def.rest ? [...def.items, def.rest] : def.items;
  if (def.type === "record") return [def.valueType];
  if (def.type === "object") return [...Object.values(def.shape), ...(def.catchall ? [def.catchall] : [])];
  if (def.type === "union") return def.options;
  return def.type === "intersection" ? [def.left, def.right] : [];
}

type Definition = z.core.$ZodTypes["_zod"]["def"];

/** The definition of the input itself: without `optional`, `nullable`, defaults and transformations. */
const defOf = (schema: z.core.$ZodType): Definition => internalsOf(unwrap(schema)).def;

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  const internals = internalsOf(schema);
  const { def } = internals;
  // The getter of a lazy schema makes a new schema each time, its `innerType` does not.
  if (def.type === "lazy") return unwrap((internals as z.core.$ZodLazyInternals).innerType);
  if (def.type === "pipe") return unwrap(internalsOf(def.in).def.type === "transform" ? def.out : def.in);
  return "innerType" in def ? unwrap(def.innerType) : schema;
}

function internalsOf(schema: z.core.$ZodType): z.core.$ZodTypes["_zod"] {
  // oxlint-disable-next-line no-underscore-dangle -- zod has no other name for what its tools may read
  return (schema as z.core.$ZodTypes)._zod;
}

/**
 * The resources in a reply: its objects, and the objects in its lists. Without them, the reply itself is the resource if it has a
 * key of the body.
 */
function resourcesOf(reply: z.core.$ZodType, body: z.core.$ZodType): z.core.$ZodType[] {
  const shape = shapeOf(reply);
  const resources = Object.values(shape)
    .map((schema) => {
      const def = defOf(schema);
      return def.type === "array" ? def.element : schema;
    })
    .filter((schema) => defOf(schema).type === "object");
  if (resources.length > 0) return resources;
  return Object.keys(shapeOf(body)).some((key) => Object.hasOwn(shape, key) && !Object.hasOwn(ok, key)) ? [reply] : [];
}

function shapeOf(schema: z.core.$ZodType): Readonly<Record<string, z.core.$ZodType>> {
  const def = defOf(schema);
  return def.type === "object" ? def.shape : {};
}

/** Whether a schema has a property at a path. */
function hasPath(schema: z.core.$ZodType, [key, ...rest]: Path): boolean {
  if (key === undefined) return true;
  const def = defOf(schema);
  if (def.type === "array") return hasPath(def.element, rest);
  const shape = shapeOf(schema);
  return Object.hasOwn(shape, key) && !Object.hasOwn(ok, key) && hasPath(shape[key]!, rest);
}
