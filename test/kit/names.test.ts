import { describe, expect, test } from "vitest";
import { cleanLabel, cleanPersonName, Label, PersonName, visibleText } from "../../src/kit/names.ts";

const faultOf = (schema: ReturnType<typeof Label>, text: string) => schema.safeParse(text).error?.issues[0]?.message;

describe("a name of a person", () => {
  test.each(["Ada", "J.R.R. Tolkien", "Ph.D.", "O'Neil-Smith", "José", "Нина", "李小龍", "👩‍🚀 Ada ❤️", "", "St. Mary 3"])(
    "may be %j",
    (name) => expect(PersonName(80).parse(name)).toBe(name),
  );

  test.each([
    "two\nlines",
    "ends\n",
    "a\ttab",
    "\u0000",
    "\u0085next",
    "\u2028line",
    "\u2029paragraph",
    "\u202egnp.exe",
    "\u2066isolated\u2069",
    "\u200fmark",
    "zero\u200bwidth",
    "zero\u200djoiner",
    "\ufeffbom",
    "soft\u00adhyphen",
    "\u2060word joiner",
    "\u3164",
    "\u115f",
    "\u2800",
    "a\ufe00b",
    "tag\u{e0041}",
    "\ue000",
  ])("a person's name with invisible characters is refused: %j", (name) => {
    for (const schema of [PersonName(80), Label(80)])
      expect(faultOf(schema, name)).toBe("must not contain control characters, line breaks or invisible characters");
  });

  test.each([
    "Winner! Claim https://evil.example",
    "javascript://x",
    "www.evil",
    "evil.com",
    "a evil.co/x b",
    "EVIL.COM",
    "ada@evil.org",
    "пример.рф",
    "evil。com",
    "ｅｖｉｌ．ｃｏｍ",
    "evil․com",
    "ｈｔｔｐ：／／x",
    "xn--80ak6aa92e.xn--p1ai",
    "1.2.3.4",
  ])("a name that is a link is refused: %j", (name) => {
    expect(faultOf(PersonName(80), name)).toBe("must not contain a link or a domain name");
  });

  test("a name from another service loses these parts, and is empty if nothing is left", () => {
    expect(cleanPersonName("Ada\u202e\r\nLovelace\u200b www.evil.com https://evil.example", 80)).toBe("Ada Lovelace");
    expect(cleanPersonName("evil\u200b.com", 80)).toBe("");
    expect(cleanPersonName("👩‍🚀 Ada", 80)).toBe("👩‍🚀 Ada");
    expect(cleanPersonName("x".repeat(79) + "😀", 80)).toHaveLength(80);
    for (const name of ["A\nB evil.com", "\u202e", "ｗｗｗ．x"])
      expect(PersonName(80).safeParse(cleanPersonName(name, 80)).success).toBe(true);
  });
});

describe("a name of a thing", () => {
  test.each(["Node.js helper", "gpt-4.1", "README.md"])("a thing can have the name %j", (name) =>
    expect(Label(80).parse(name)).toBe(name),
  );

  test.each(["http://x", "see www.x"])("a name that is a link is refused: %j", (name) => {
    expect(faultOf(Label(80), name)).toBe("must not contain a link");
  });

  test("the name of a file loses invalid parts", () => {
    expect(cleanLabel("fact\u202es\n.txt", 120)).toBe("facts .txt");
    expect(cleanLabel("https://x", 120)).toBe("");
  });
});

describe("the visible text", () => {
  test.each([
    ["two\n\nlines\tand  spaces ", "two lines and spaces"],
    ["zero\u200bwidth\ufeff", "zerowidth"],
    ["hidden\u{e0041}\u{e0042}", "hidden"],
    ["\u202egnp.exe\u2066", "gnp.exe"],
    ["a\0b", "a b"],
    ["\u2800 \u3164", ""],
    ["👩‍👩‍👧 ❤️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "👩‍👩‍👧 ❤️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿"],
    ["می‌خواهم", "می‌خواهم"],
  ])("%j is %j", (text, seen) => expect(visibleText(text)).toBe(seen));
});
