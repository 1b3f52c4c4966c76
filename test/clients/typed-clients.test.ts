import { execFile } from "node:child_process";
import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { useApi } from "../support/api.ts";
import { document } from "../support/openapi-operations.ts";

/** Clients that two generators make from the OpenAPI document: they compile under strict TypeScript, and run a session. */

const api = useApi();
const folder = join(import.meta.dirname, "generated", String(process.pid));
const { resolve } = createRequire(import.meta.url);
const run = (file: string, ...args: string[]) => promisify(execFile)(process.execPath, [file, ...args], { cwd: folder });

const compilerOptions = {
  strict: true,
  noUncheckedIndexedAccess: true,
  noEmit: true,
  target: "es2023",
  lib: ["es2023", "dom", "dom.iterable"],
  module: "esnext",
  moduleResolution: "bundler",
  types: [],
};

const openapiTypescript = resolve("openapi-typescript/package.json").replace("package.json", "bin/cli.js");
const heyApi = resolve("@hey-api/openapi-ts/package.json").replace("package.json", "dist/run.mjs");
const compiler = join(import.meta.dirname, "../../node_modules/typescript/bin/tsc");
const resolver = pathToFileURL(join(import.meta.dirname, "typescript-resolver.ts")).href;

beforeAll(async () => {
  await mkdir(folder, { recursive: true });
  await cp(join(import.meta.dirname, "sessions"), folder, { recursive: true });
  await writeFile(join(folder, "openapi.json"), JSON.stringify(document));
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["**/*.ts"] }));
  await run(openapiTypescript, "openapi.json", "-o", "schema.ts");
  await run("--import", resolver, heyApi, "-i", "openapi.json", "-o", "hey", "-c", "@hey-api/client-fetch", "--no-log-file");
}, 120_000);

afterAll(() => rm(folder, { recursive: true }));

test("the generated clients compile", async () => {
  await expect(run(compiler, "-p", "tsconfig.json")).resolves.toMatchObject({ stdout: "" });
}, 120_000);

describe("a session with a generated client", () => {
  test.each(["openapi-fetch-session", "hey-api-session"])("runs (%s)", async (name) => {
    const { runSession } = (await import(join(folder, `${name}.ts`))) as {
      runSession(baseUrl: string, username: string): Promise<string[]>;
    };
    const result = await runSession(api.url.origin, `ada-${crypto.randomUUID().slice(0, 8)}`);
    expect(result).toEqual(["Ada", "complete", "1", "not_found"]);
  });
});

test("a number or a boolean in a path or a query has its type, and nothing recursive lacks a name", () => {
  const parameters = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods).flatMap(({ operationId, parameters: given = [] }) =>
      given.filter((each) => each.in !== "header").map((each) => ({ operationId, ...each })),
    ),
  );
  const numeric = /^(?:id|.+_id|limit|level|user_level|part)$/;
  const named = parameters.filter(({ name }) => numeric.test(name));
  expect(named.length).toBeGreaterThan(83);
  const untyped = named.filter(({ schema }) => ![schema["type"]].flat().includes("integer"));
  expect(untyped.map(({ operationId, name }) => `${operationId} ${name}`)).toEqual([
    "listModelPrices model_id",
    "getAttachment attachment_id",
  ]);
  for (const name of ["unread", "favorite", "deleted", "popular"]) {
    expect(parameters.find((each) => each.name === name)?.schema["type"], name).toBe("boolean");
  }
  expect(Object.keys(document.components.schemas).filter((name) => name.startsWith("__"))).toEqual([]);
});

test("every array says what it has, as linters require", () => {
  const faults: string[] = [];
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== "object" || value === null) return;
    const { type, items } = value as { type?: unknown; items?: unknown };
    if (type === "array" && (typeof items !== "object" || items === null)) faults.push(path);
    for (const [key, each] of Object.entries(value)) visit(each, `${path}/${key}`);
  };
  visit(document, "");
  expect(faults).toEqual([]);
});
