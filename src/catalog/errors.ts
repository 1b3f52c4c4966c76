import { defineErrors } from "../kit/errors.ts";

export const catalogErrors = defineErrors({
  catalog_unavailable: { status: 503, title: "Catalog unavailable", retryable: true },
});
