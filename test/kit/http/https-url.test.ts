import { expect, test } from "vitest";
import { HttpsUrl } from "../../../src/kit/http/https-url.ts";

test.each(["https://a.example/c.png", "https://a.example/@me?x=a@b", "HTTPS://A.example:8443/"])("%s is taken", (url) => {
  expect(HttpsUrl.safeParse(url).success).toBe(true);
});

test.each([
  "http://a.example/",
  "javascript:alert(1)",
  "data:image/png;base64,AA",
  "//a.example/c.png",
  "https:/a.example",
  "https://",
  "https:///a",
  "https://user@a.example/",
  "https://user:secret@a.example/",
  "https://:@a.example/",
  "https://a.example\\@evil.example/",
  "https://a.exa\nmple/",
  " https://a.example/",
  "https://a.example/\u202egnp.exe",
  "https://bücher.example/",
  `https://a.example/${"x".repeat(2_000)}`,
])("%j is refused", (url) => {
  expect(HttpsUrl.safeParse(url).success).toBe(false);
});
