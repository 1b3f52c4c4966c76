/** The production Worker without its lines in the log. */
console.log = console.info = console.warn = console.error = () => {};

export { default } from "../../src/index.ts";
export * from "../../src/index.ts";
