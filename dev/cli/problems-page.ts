import { errorTypes } from "../../src/errors.ts";

const rows = errorTypes.map(
  ({ code, status, title, retryable }) =>
    `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${title}</td><td>${retryable ? "yes" : "no"}</td></tr>`,
);

/** The page that explains every error code. */
export const problemsPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Spiritforge problems</title>
<link rel="icon" href="/favicon.svg">
<link rel="stylesheet" href="/reference/pages.css">
</head>
<body>
<h1>Problems</h1>
<p>Every failure names one of these in <code>code</code>.</p>
<table>
<thead><tr><th>code</th><th>status</th><th>meaning</th><th>the same request can succeed later</th></tr></thead>
<tbody>
${rows.join("\n")}
</tbody>
</table>
</body>
</html>
`;
