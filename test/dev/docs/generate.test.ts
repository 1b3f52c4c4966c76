import { expect, test } from "vitest";
import * as z from "zod";
import { frameTable } from "../../../dev/docs/frame-tables.ts";
import { fillIn } from "../../../dev/docs/generate.ts";

const Send = z.object({
  type: z.literal("send").meta({ description: "Sends a message" }),
  text: z.string().min(1).max(2_000),
  tags: z.array(z.string()).max(4).default([]),
});
const Decide = z.object({ type: z.enum(["allow", "deny"]), id: z.int().nullable() });
const Numbered = z.object({ seq: z.int() });

test("the table of client frames marks optional fields", () => {
  expect(frameTable(z.discriminatedUnion("type", [Send, Decide]), "client").split("\n")).toEqual([
    "| frame           | fields                                                                               | meaning         |",
    "| --------------- | ------------------------------------------------------------------------------------ | --------------- |",
    "| `send`          | `text`: string of 1 to 2,000 characters; `tags`, optional: list of at most 4 strings | Sends a message |",
    "| `allow`, `deny` | `id`: integer or null                                                                |                 |",
  ]);
});

test("the table of server frames has no column for seq, which every frame has", () => {
  const table = frameTable(z.union([Decide.and(Numbered), Numbered.extend({ type: z.literal("end") })]), "server");
  expect(table).toContain("| `allow`, `deny` | `id`: integer or null |");
  expect(table).toContain("| `end`           | –                     |");
  expect(table).not.toContain("seq");
});

test("only the generated part between its markers is replaced", () => {
  const text = "before\n<!-- generated: frames -->\nold\n<!-- /generated -->\nafter";
  expect(fillIn(text, { frames: () => "new" })).toBe("before\n<!-- generated: frames -->\n\nnew\n\n<!-- /generated -->\nafter");
  expect(() => fillIn("no markers", { frames: () => "new" })).toThrow('no markers for "frames"');
});
