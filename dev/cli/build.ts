import { copyFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { app } from "../../src/app.ts";
import { describeApi } from "./openapi.ts";
import { renderProblemsPage } from "./problems-page.ts";

/** Writes `public/`: what is served beside the Worker. Runs before every `wrangler dev`, `deploy` and test. */
const published = join(import.meta.dirname, "../../public");
const pages = join(import.meta.dirname, "../../src/pages");

const shared = [
  "X-Content-Type-Options: nosniff",
  "Referrer-Policy: no-referrer",
  "Strict-Transport-Security: max-age=31536000; includeSubDomains",
];
const pagePolicy =
  "Content-Security-Policy: default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'";
const headers = Object.entries({
  "/*": [...shared, pagePolicy],
  "/openapi.json": ["Access-Control-Allow-Origin: *"],
})
  .map(([path, lines]) => [path, ...lines.map((line) => `  ${line}`)].join("\n"))
  .join("\n");

/** Files are written aside and renamed into place, since several builds may run at once while the folder is being served. */
async function build(): Promise<void> {
  const aside = await mkdtemp(join(dirname(published), ".public-"));
  const place = async (path: string, write: (file: string) => Promise<void>) => {
    const file = join(aside, path.replaceAll("/", "-"));
    await write(file);
    await rename(file, join(published, path));
  };
  const swagger = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
  const swaggerFiles = ["swagger-ui.css", "swagger-ui-bundle.js"].map((name) => [`reference/${name}`, join(swagger, name)]);
  const texts = {
    "openapi.json": JSON.stringify(describeApi(app)),
    "problems.html": renderProblemsPage(),
    _headers: `${headers}\n`,
  };
  await mkdir(join(published, "reference"), { recursive: true });
  await Promise.all([
    ...Object.entries(texts).map(([path, text]) => place(path, (file) => writeFile(file, text))),
    ...[...(await staticPages()), ...swaggerFiles].map(([path, from]) => place(path!, (file) => copyFile(from!, file))),
  ]);
  await rm(aside, { recursive: true });
}

/** The files of `src/pages/`, by the path that they are served at. */
async function staticPages(): Promise<string[][]> {
  const entries = await readdir(pages, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".ts"))
    .map(({ parentPath, name }) => join(parentPath, name))
    .map((file) => [relative(pages, file), file]);
}

await build();
