import type { KeptMail } from "./mailbox.ts";

/** Text that an HTML document shows as it is, in an element or in a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Escaped text in which the web addresses are links. What ends a sentence is no part of an address. */
export function linkify(text: string): string {
  const parts = text.split(/(https?:\/\/[^\s<>"']*[^\s<>"'.,:;!?)\]])/);
  return parts
    .map((part, index) => {
      const safe = escapeHtml(part);
      return index % 2 === 1 ? `<a href="${safe}" rel="noreferrer">${safe}</a>` : safe;
    })
    .join("");
}

const style = `body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 48rem; padding: 0 1rem; }
article { border-top: 1px solid #ddd; padding: 1rem 0; }
h2 { font-size: 1.1rem; margin: 0; }
p { color: #555; margin: 0; }
pre { font: inherit; overflow-wrap: anywhere; white-space: pre-wrap; }`;

function article({ to, subject, text, sent_at }: KeptMail): string {
  return `<article>
<h2>${escapeHtml(subject)}</h2>
<p>to ${escapeHtml(to)}, <time>${escapeHtml(sent_at)}</time></p>
<pre>${linkify(text)}</pre>
</article>`;
}

/** The page that shows mails, in the order given. */
export function mailboxPage(mails: readonly KeptMail[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mailbox</title>
<style>
${style}
</style>
</head>
<body>
<h1>Mailbox</h1>
<p>Mail that this development server kept instead of sending it, newest first. <a href="/dev/mailbox.json">As JSON</a></p>
${mails.map(article).join("\n") || "<article>No mail yet.</article>"}
</body>
</html>
`;
}
