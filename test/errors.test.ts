import { globSync } from "node:fs";
import { expect, test } from "vitest";
import { roomConstraintErrors } from "../src/chat/room/errors.ts";
import { constraintErrors, errorTypes } from "../src/errors.ts";
import { commonConstraintErrors, commonErrors, type ConstraintErrors, type ErrorType } from "../src/kit/errors.ts";

type ErrorModule = { constraintErrors?: ConstraintErrors } & Record<string, unknown>;

const modules = await Promise.all(
  globSync("src/*/errors.ts", { exclude: ["src/kit/errors.ts"] }).map(
    async (path) => [path, (await import(/* @vite-ignore */ `../${path}`)) as ErrorModule] as const,
  ),
);

const isErrorType = (value: unknown): value is ErrorType =>
  typeof value === "object" && value !== null && "code" in value && "retryable" in value;

const isTable = (value: unknown): value is Record<string, ErrorType> =>
  typeof value === "object" && value !== null && Object.values(value).every(isErrorType);

test("every error type of kit and of the features is published once", () => {
  const declared = modules.flatMap(([, exported]) =>
    Object.values(exported)
      .filter(isTable)
      .flatMap(Object.values<ErrorType>),
  );
  const types = new Set([...Object.values<ErrorType>(commonErrors), ...declared]);
  expect(errorTypes).toHaveLength(types.size);
  expect(new Set(errorTypes)).toEqual(types);
  expect(new Set(errorTypes.map(({ code }) => code)).size).toBe(errorTypes.length);
});

test("every constraint that a feature explains is registered and explained once", () => {
  const tables = modules.map(([, exported]) => exported.constraintErrors ?? {});
  const names = [commonConstraintErrors, ...tables].flatMap(Object.keys);
  expect(names.length).toBe(new Set(names).size);
  expect(Object.keys(constraintErrors).toSorted()).toEqual(names.toSorted());
});

test("a room explains every constraint like the Worker, except those of failed jobs", () => {
  const { failed_job_not_found: _, failed_job_of_no_kind: __, ...others } = constraintErrors;
  expect(roomConstraintErrors).toEqual(others);
});
