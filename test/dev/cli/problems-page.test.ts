import { describe, expect, test } from "vitest";
import { renderProblemsPage } from "../../../dev/cli/problems-page.ts";
import { errorTypes } from "../../../src/errors.ts";

/** The cells of each row, by the ID of the row. */
function rowsOf(page: string): Map<string, string[]> {
  const rows = page.matchAll(/<tr id="([^"]+)">(.*)<\/tr>/g);
  const cellsOf = (row: string) => Array.from(row.matchAll(/<td>(.*?)<\/td>/g), ([, cell]) => cell!);
  return new Map(Array.from(rows, ([, id, row]) => [id!, cellsOf(row!)]));
}

describe("the page of error codes", () => {
  test("explains each code of the closed set once, with a cause and a remedy", () => {
    const rows = rowsOf(renderProblemsPage());
    expect([...rows.keys()]).toEqual(errorTypes.map(({ code }) => code));
    for (const [code, [, , , cause = "", remedy = ""]] of rows) {
      for (const sentence of [cause, remedy]) expect(sentence, code).toMatch(/^[A-Z].{10,}\.$/);
      expect(cause, code).not.toBe(remedy);
    }
  });

  test("a code without an explanation fails the build of the page", () => {
    const unexplained = { ...errorTypes[0]!, code: "unexplained" };
    expect(() => renderProblemsPage([...errorTypes, unexplained])).toThrow("The error code unexplained has no explanation.");
  });

  test("an explanation of an unknown code fails the build of the page", () => {
    expect(() => renderProblemsPage(errorTypes.slice(1))).toThrow(
      `Explanations of unknown error codes: ${errorTypes[0]!.code}`,
    );
  });
});
