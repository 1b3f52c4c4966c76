import { errorTypes } from "../src/errors.ts";

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
  '<link rel="stylesheet" href="/reference/pages.css">',
  `<h1>Problems</h1>
<p>Every failure names one of these in <code>code</code>.</p>
<table>
<thead><tr><th>code</th><th>status</th><th>meaning</th><th>the same request can succeed later</th></tr></thead>
<tbody>
${errorTypes
  .map(
    ({ code, status, title, retryable }) =>
      `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${title}</td><td>${retryable ? "yes" : "no"}</td></tr>`,
  )
  .join("\n")}
</tbody>
</table>`,
);

const style = `body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #ddd; padding: 0.4rem 0.8rem; text-align: left; }
tr:target { background: #fff3c4; }
label, input, button { display: block; font: inherit; margin: 0.5rem 0; }
`;

const resetPassword = page(
  "Choose a new password",
  '<link rel="stylesheet" href="/reference/pages.css">',
  `<h1>Choose a new password</h1>
<form id="reset">
<label>New password <input name="password" type="password" minlength="10" autocomplete="new-password" required></label>
<button>Choose it</button>
</form>
<p id="outcome" role="status"></p>
<script src="/reference/reset-password.js"></script>`,
);

const resetPasswordScript = `const form = document.getElementById("reset");
const outcome = document.getElementById("outcome");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const token = new URLSearchParams(location.search).get("token") ?? "";
  const reply = await fetch("/api/auth/reset-password", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token, password: new FormData(form).get("password") }),
  });
  outcome.textContent = (await reply.json()).message;
  if (reply.ok) form.remove();
});
`;

/** The pages that are served beside the Worker, and what they load, by path. */
export const pages: Readonly<Record<string, string>> = {
  "docs.html": reference,
  "problems.html": problems,
  "reset-password.html": resetPassword,
  "reference/start.js": startReference,
  "reference/pages.css": style,
  "reference/reset-password.js": resetPasswordScript,
};
