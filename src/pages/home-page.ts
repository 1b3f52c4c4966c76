/** The page at `/`. Its script fetches the health of the server. @param version the version of the server */
export const homePage = (version: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Spiritforge</title>
<link rel="icon" href="/favicon.svg">
<link rel="stylesheet" href="/reference/pages.css">
</head>
<body>
<h1>Spiritforge</h1>
<p>An API for products built around AI assistants that their users own, teach with documents, and talk to.</p>
<p>Version ${version}. <span id="health" role="status">Checking health …</span></p>
<ul>
<li><a href="/docs">API reference</a>, where you can try every operation</li>
<li><a href="/openapi.json">OpenAPI document</a>, for generating clients</li>
<li><a href="/problems">Error codes</a>, with causes and remedies</li>
<li><a href="/api/v2/health">Health</a> of Postgres, KV and background jobs</li>
</ul>
<script type="module" src="/reference/home.js"></script>
</body>
</html>
`;
