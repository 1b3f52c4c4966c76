import { describe, expect, test } from "vitest";
import { fixture, read } from "../../support/datasets.ts";

describe("a web page", () => {
  test("the visible text is read with headings and lists in Markdown", async () => {
    const page =
      "<!doctype html><html><head><title>No</title><style>p{}</style><body><nav>Menu</nav><h1>A &amp;\n B</h1><p>One <b>bold</b>ly<br>two" +
      "<p>three<ul><li>x<li><p>y</p></ul><table><tr><th>k<th>v<tr><td><p>1</p><td><p>2</p></table><pre>  if\n    x</pre><script>no()</script>" +
      "<div>caf&eacute; &#x1F600; &lt;b&gt;</div><template>no</template><!-- no -->end";
    const { rows } = await read(page, "html", "page.html");
    expect(rows).toEqual([
      {
        kind: "text",
        text: "# A & B\n\nOne boldly\ntwo\n\nthree\n\n- x\n\n- y\n\nk | v\n1 | 2\n\n  if\n    x\n\ncafé 😀 <b>\nend\n",
        fields: null,
        source: "page.html",
        start: 0,
      },
    ]);
  });

  test("the declared encoding is used", async () => {
    const { rows } = await read(fixture("angler.html"), "html");
    expect(rows[0]!.text).toMatch(
      /^## CHAP\. III\.\n\nPiscat\. Wel met brother Peter, I heard you & a friend would lodg here to night/,
    );
    expect(rows[0]!.text).toMatch(/\n\nPrinted at the régime of Fürst & Cie\., 1896\.\n$/);
    expect(rows[0]!.text).not.toMatch(/Contents of all|not to be read|text-indent/);
    const unknown = '<meta charset="no-such-one"><p>caf\u00E9';
    expect((await read(unknown, "html")).rows[0]!.text).toBe("café\n");
  });

  test("a page that was saved in UTF-8 and still declares another encoding is UTF-8", async () => {
    const saved = '<!doctype html><meta charset="gb2312"><p>\u4E2D\u6587\u7F51\u9875 caf\u00E9';
    expect((await read(saved, "html")).rows[0]!.text).toBe("\u4E2D\u6587\u7F51\u9875 café\n");
    const declared = Buffer.concat([Buffer.from('<!doctype html><meta charset="gb2312"><p>'), Buffer.from("d6d0cec4", "hex")]);
    expect((await read(declared, "html")).rows[0]!.text).toBe("\u4E2D\u6587\n");
  });
});

describe("a web page that is made to do harm", () => {
  test("a page that nests more than 256 elements is refused, however many there are", async () => {
    const nested = (depth: number) => `<!doctype html>${"<div>".repeat(depth)}text`;
    expect((await read(nested(256), "html")).rows.map(({ text }) => text)).toEqual(["text\n"]);
    for (const depth of [257, 300_000])
      await expect(read(nested(depth), "html")).rejects.toThrow("is nested more than 256 levels deep. Flatten it first.");
  });

  test.each([
    ["end tags without a start", "</a>".repeat(300_000)],
    ["elements that are closed", "<b></b><br><p>".repeat(100_000)],
    ["a comment without an end", `<!--${"-".repeat(3_000_000)}`],
    ["a tag without an end", `<a b="${"x".repeat(3_000_000)}`],
    ["a CDATA section without an end", `<![CDATA[${"]".repeat(3_000_000)}`],
  ])("a page with %s is read", async (_, harmful) => {
    expect((await read(`<!doctype html><p>before</p>${harmful}`, "html")).rows[0]!.text).toMatch(/^before\n/);
  });
});
