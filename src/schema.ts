export * from "./auth/tables.ts";
export * from "./billing/tables.ts";
export * from "./catalog/tables.ts";
export * from "./kit/tables.ts";
export * from "./knowledge/tables.ts";
export * from "./minions/tables.ts";
export * from "./models/tables.ts";
export * from "./notifications/tables.ts";
