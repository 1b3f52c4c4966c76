import { expect, test } from "vitest";
import { anchorsOf, checkDocument, type Facts } from "../../../dev/docs/check-document.ts";

const facts: Facts = {
  paths: new Set(["docs", "docs/chat.md", "src", "src/chat", "src/chat/rules.ts", "bench/catalog", "examples/quick-start.ts"]),
  ignored: new Set([".dev.vars", ".data"]),
  anchors: new Map([["docs/chat.md", new Set(["a-turn"])]]),
  scripts: new Set(["dev", "bench", "example"]),
  variables: new Set(["DATABASE_URL"]),
  operations: new Set(["GET /api/v2/minions/{id}", "POST /api/v2/minions/{id}/class", "GET /api/v2/spirits/tier/{tier}"]),
};

test.each([
  ["a link to a file", "[chat](nowhere.md)", "the link `nowhere.md` leads nowhere"],
  ["a link to a heading", "[chat](chat.md#no-turn)", "the heading of `chat.md#no-turn` does not exist"],
  ["a path", "`src/chat/room/`", "the path `src/chat/room/` does not exist"],
  ["a file", "`src/chat/service.ts`", "the file `src/chat/service.ts` does not exist"],
  ["a file by its name", "`service.ts`", "the file `service.ts` does not exist"],
  ["a script", "`npm run build`", "the script `npm run build` does not exist"],
  ["a script in a block", "```sh\nnpm install && npm run start\n```", "the script `npm run start` does not exist"],
  ["an example", "`npm run example slow-start`", "the example `slow-start` does not exist"],
  ["a benchmark", "`npm run bench -- chat`", "the benchmark `chat` does not exist"],
  ["a variable", "`DATABASE_URI` must be set", "the variable `DATABASE_URI` does not exist"],
  ["a variable in a block", "```sh\nexport MY_URL=1\n```", "the variable `MY_URL` does not exist"],
  ["an API path", "`/api/v2/dragons`", "the API path `/api/v2/dragons` does not exist"],
  ["a method of an API path", "`DELETE /api/v2/minions/{id}`", "the API path `DELETE /api/v2/minions/{id}` does not exist"],
  ["a parameter of an API path", "`GET /api/v2/minions/{name}`", "the API path `GET /api/v2/minions/{name}` does not exist"],
  ["a path that is too short for its method", "`GET /api/v2/minions`", "the API path `GET /api/v2/minions` does not exist"],
])("a missing %s is reported with its line", (_what, text, fault) => {
  const line = text.includes("\n") ? 4 : 3;
  expect(checkDocument("docs/chat.md", `# Chat\n\n${text}\n`, facts)).toEqual([`docs/chat.md:${line}: ${fault}`]);
});

test("existing names are not reported", () => {
  const text = [
    "[chat](chat.md#a-turn), [here](#a-turn), [web](https://example.com/nowhere.md)",
    "`src/chat/`, `src/chat/rules.ts`, `rules.ts`, `.dev.vars`, `.data/`, `npm run bench -- catalog`",
    "`GET /api/v2/minions/{id}`, `GET /api/v2/minions/7`, `/api/v2/spirits/tier/free`, `/api/v2/minions`",
    "```sh",
    'DATABASE_URL="…" npm run dev && npm run example quick-start ./my.pdf "How?"',
    "```",
  ].join("\n");
  expect(checkDocument("docs/chat.md", text, facts)).toEqual([]);
});

test("the anchor of a heading is that of GitHub", () => {
  expect(anchorsOf("# Chat\n\n## What's new: `useChat`, and more\n")).toEqual(new Set(["chat", "whats-new-usechat-and-more"]));
});
