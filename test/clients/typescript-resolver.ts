/** Loaded before a generator: makes it use the TypeScript version of this folder, since it needs an API that later versions do not have. */
import { createRequire, registerHooks } from "node:module";
import { pathToFileURL } from "node:url";

const typescript = pathToFileURL(createRequire(import.meta.url).resolve("typescript")).href;

registerHooks({
  resolve: (specifier, context, next) => next(specifier === "typescript" ? typescript : specifier, context),
});
