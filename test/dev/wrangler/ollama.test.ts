import { createServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { listen } from "../../../dev/listen.ts";
import { freePort } from "../../../dev/port.ts";
import { findOllama, ollamaAddress, ollamaVars } from "../../../dev/wrangler/ollama.ts";

test.each([
  [undefined, "http://127.0.0.1:11434"],
  ["", "http://127.0.0.1:11434"],
  ["0.0.0.0", "http://127.0.0.1:11434"],
  ["0.0.0.0:8080", "http://127.0.0.1:8080"],
  [":8080", "http://127.0.0.1:8080"],
  ["gpu.local", "http://gpu.local:11434"],
  ["gpu.local:80", "http://gpu.local"],
  ["http://gpu.local:8080/", "http://gpu.local:8080"],
  ["https://gpu.local", "https://gpu.local"],
])("OLLAMA_HOST=%s is %s", (host, url) => {
  expect(ollamaAddress(host)).toBe(url);
});

async function startServer(status: number, body: string): Promise<string> {
  const server = createServer((_, response) => response.writeHead(status).end(body));
  const { host, close } = await listen(server);
  onTestFinished(close);
  return `http://${host}`;
}

test("an Ollama server is found with its models, and its host is allowed", async () => {
  const url = await startServer(200, JSON.stringify({ models: [{ name: "llama3.2:3b", size: 1 }] }));
  const ollama = await findOllama(url);
  expect(ollama).toEqual({ url, models: ["llama3.2:3b"] });
  expect(ollamaVars(ollama!)).toEqual({ OLLAMA_URL: url, EGRESS_ALLOWED_HOSTS: new URL(url).host });
});

test("another server, or none, is not Ollama", async () => {
  expect(await findOllama(await startServer(404, "not found"))).toBeUndefined();
  expect(await findOllama(await startServer(200, "<html>"))).toBeUndefined();
  expect(await findOllama(`http://127.0.0.1:${await freePort()}`)).toBeUndefined();
});
