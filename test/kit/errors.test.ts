import { expect, test } from "vitest";
import {
  AppError,
  commonErrors,
  constraintError,
  constraintErrorFor,
  defineErrors,
  type ConstraintErrors,
} from "../../src/kit/errors.ts";

const { shelf_full } = defineErrors({ shelf_full: { status: 409, title: "Shelf full", retryable: true } });

const table: ConstraintErrors = {
  shelf_full: { type: shelf_full, detail: "The shelf has ten books." },
  book_owned: { type: "validation_failed", path: "book", detail: "there is no such book of yours" },
  "*_owner_fk": { type: "not_found", detail: "There is no such owner." },
  loans_owner_fk: { type: "conflict", detail: "The owner lends nothing." },
};

test("an error has the code, status and title of its type, and the common ones have factories", () => {
  const own = new AppError(shelf_full, "No.");
  expect(own).toMatchObject({ code: "shelf_full", status: 409, retryable: true, headers: { "retry-after": "5" } });
  expect(new AppError("not_found", "No.").type).toBe(commonErrors.not_found);
});

test("a constraint is looked up by its name, or else by the end of its name", () => {
  expect(constraintErrorFor("shelf_full", table)).toBe(table["shelf_full"]);
  expect(constraintErrorFor("books_owner_fk", table)).toBe(table["*_owner_fk"]);
  expect(constraintErrorFor("loans_owner_fk", table)).toBe(table["loans_owner_fk"]);
  expect(constraintErrorFor("book_title_taken", table)).toBeUndefined();
});

test("a violated constraint becomes an error, with its path if it has one", () => {
  const cause = new Error("23503");
  expect(constraintError(table["shelf_full"]!, cause)).toMatchObject({
    message: "The shelf has ten books.",
    cause,
    issues: [],
  });
  expect(constraintError(table["book_owned"]!, cause)).toMatchObject({
    code: "validation_failed",
    message: "book: there is no such book of yours.",
    issues: [{ path: "book", in: "body", message: "there is no such book of yours" }],
  });
});
