import { copyFile, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { app } from "../src/app.ts";
import { failures } from "../src/kit/errors.ts";
import { describeApi } from "./openapi.ts";

/** Writes `public/`: what is served beside the Worker. Runs before every `wrangler dev`, `deploy` and test. */
const published = join(import.meta.dirname, "../public");

const page = (title: string, head: string, body: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
${head}
</head>
<body>
${body}
</body>
</html>
`;

const reference = page(
  "Spiritforge API reference",
  '<link rel="stylesheet" href="/reference/swagger-ui.css">',
  '<div id="reference"></div>\n<script src="/reference/swagger-ui-bundle.js"></script>\n<script src="/reference/start.js"></script>',
);

const startReference = `SwaggerUIBundle({ url: "/openapi.json", dom_id: "#reference", deepLinking: true, filter: true, validatorUrl: null });\n`;

const problems = page(
  "Spiritforge problems",
  '<link rel="stylesheet" href="/reference/problems.css">',
  `<h1>Problems</h1>
<p>Every failure names one of these in <code>code</code>.</p>
<table>
<thead><tr><th>code</th><th>status</th><th>meaning</th><th>the same request can succeed later</th></tr></thead>
<tbody>
${Object.entries(failures)
  .map(
    ([code, { status, title, retryable }]) =>
      `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${title}</td><td>${retryable ? "yes" : "no"}</td></tr>`,
  )
  .join("\n")}
</tbody>
</table>`,
);

const problemsStyle = `body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #ddd; padding: 0.4rem 0.8rem; text-align: left; }
tr:target { background: #fff3c4; }
`;

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
  const texts = {
    "openapi.json": JSON.stringify(describeApi(app)),
    "docs.html": reference,
    "problems.html": problems,
    _headers: `${headers}\n`,
    "reference/start.js": startReference,
    "reference/problems.css": problemsStyle,
  };
  await mkdir(join(published, "reference"), { recursive: true });
  await Promise.all([
    ...Object.entries(texts).map(([path, text]) => place(path, (file) => writeFile(file, text))),
    ...["swagger-ui.css", "swagger-ui-bundle.js"].map((name) =>
      place(`reference/${name}`, (file) => copyFile(join(swagger, name), file)),
    ),
  ]);
  await rm(aside, { recursive: true });
}

await build();
