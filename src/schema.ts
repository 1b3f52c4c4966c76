export * from "./auth/tables.ts";
export * from "./billing/tables.ts";
export * from "./catalog/tables.ts";
