import { expect, test } from "vitest";
import { fileFormats, formatNames } from "../../../src/datasets/formats/registry.ts";
import { Dataset } from "../../../src/datasets/schemas.ts";
import { fixtures } from "../support/datasets.ts";

test("every format has a unique name and label and a way to be recognized", () => {
  expect(new Set(formatNames).size).toBe(fileFormats.length);
  expect(new Set(fileFormats.map(({ label }) => label)).size).toBe(fileFormats.length);
  for (const { matchesBytes, matchesText } of fileFormats) expect(matchesBytes ?? matchesText).toBeTypeOf("function");
});

test("the fixtures have a real file of every format", () => {
  expect(fixtures.map(([, format]) => format).toSorted()).toEqual(formatNames.toSorted());
});

test("the schema of a dataset accepts exactly the names of the registry", () => {
  const format = Dataset.shape.format;
  for (const name of formatNames) expect(format.parse(name)).toBe(name);
  expect(format.parse(null)).toBeNull();
  expect(format.safeParse("xlsx").success).toBe(false);
});
