import { describe, expect, test } from "vitest";
import { MinionClass } from "../../src/catalog/schemas.ts";
import { bodyOf, useApi } from "../support/api.ts";

const api = useApi();

async function body(path: string) {
  return bodyOf(await api.get(`/api/v2${path}`));
}

describe("tools", () => {
  test("there are 71 tools, each with at least one spirit", async () => {
    const { total, tools } = await body("/tools");
    expect(total).toBe(71);
    for (const tool of tools) expect(tool.spirits).not.toHaveLength(0);
  });

  test("tools are filtered by category, type and text", async () => {
    expect((await body("/tools?category=Math")).tools.map(({ name }: { name: string }) => name)).toEqual([
      "calculator_engine",
      "statistical_analyzer",
      "equation_solver",
      "graph_plotter",
    ]);
    expect((await body("/tools?category=Communication&kind=platform")).total).toBe(1);
    expect((await body("/tools?q=wcag")).tools).toMatchObject([{ name: "accessibility_checker" }]);
    expect((await api.get("/api/v2/tools?kind=magic")).status).toBe(422);
  });

  test("a tool is found by name with all of its spirits", async () => {
    expect(await body("/tools/grammar_checker")).toMatchObject({
      success: true,
      tool: { id: 3, kind: "model", spirits: ["Writer Spirit", "Checker Spirit"] },
    });
    expect((await api.get("/api/v2/tools/grammar")).status).toBe(404);
  });
});

describe("classes", () => {
  test("there are 16 classes, with values from the synergy rules", async () => {
    const { total, classes } = await body("/classes");
    expect(total).toBe(16);
    const spirits = (await body("/spirits")).data as { id: number; name: string }[];
    for (const item of classes) {
      const ids = item.base_spirits.map((name: string) => spirits.find((spirit) => spirit.name === name)!.id);
      const { data } = await body(`/spirits/synergy?spirit_ids=${ids.join()}`);
      expect(item).toMatchObject(data);
    }
  });

  test("a class unlocks with the highest of its spirits and lists each tool once", async () => {
    const { class: developer } = await body("/classes/Developer");
    expect(developer).toMatchObject({
      class_name: "Developer",
      base_spirits: ["Builder Spirit", "Debugger Spirit", "Checker Spirit"],
      unlock_rank: "Skilled",
      unlock_level: 3,
      synergy_bonus: 60,
      conflict_penalty: 0,
      net_performance: 60,
    });
    expect(developer.tools).toHaveLength(12);
    expect((await body("/classes/quality%20assurance")).class).toEqual(MinionClass.meta()!["examples"]![0]);
    expect((await body("/classes/creative%20assistant")).class.unlock_rank).toBe("Expert");
    expect((await api.get("/api/v2/classes/Wizard")).status).toBe(404);
  });

  test("a tool that two spirits of a class share is listed once", async () => {
    const { templates } = await body("/templates");
    const tools: string[] = templates.find(({ name }: { name: string }) => name === "SEO Pro").tools;
    expect(tools.filter((tool) => tool === "grammar_checker")).toHaveLength(1);
    expect(tools).toHaveLength(19);
  });

  test("a class shows whether the requested rank unlocks it", async () => {
    const unlocked = async (query: string) =>
      (await body(`/classes?${query}`)).classes.filter((item: { is_unlocked: boolean }) => item.is_unlocked).length;
    expect((await body("/classes")).classes[0]).not.toHaveProperty("is_unlocked");
    expect(await unlocked("user_rank=Novice")).toBe(1);
    expect(await unlocked("user_rank=Novice&user_level=2")).toBe(4);
    expect(await unlocked("user_rank=Autonomous&user_level=5")).toBe(16);
    expect((await api.get("/api/v2/classes?user_rank=King&user_level=0")).status).toBe(422);
  });

  test("classes are counted by category", async () => {
    const { categories, total } = await body("/classes/categories");
    expect(total).toBe(8);
    expect(categories[0]).toEqual({ category: "Development & Technical", total: 3 });
    expect(categories.reduce((sum: number, { total: count }: { total: number }) => sum + count, 0)).toBe(16);
    expect((await body("/classes?category=Hybrid%20%26%20Versatile")).total).toBe(2);
  });

  test("a class lists its spirits in full", async () => {
    const { class_name, spirits, total } = await body("/classes/swiss%20army%20knife/spirits");
    expect(class_name).toBe("Swiss Army Knife");
    expect(spirits.map(({ slug }: { slug: string }) => slug)).toEqual(["builder", "writer", "analyst"]);
    expect(total).toBe(3);
  });
});

describe("templates", () => {
  test("there are 23 templates with five spirits each", async () => {
    const { templates, total } = await body("/templates");
    expect(total).toBe(23);
    for (const template of templates) expect(template.spirits).toHaveLength(5);
  });

  test("templates are found by ID and by text", async () => {
    expect((await body("/templates/14")).template).toMatchObject({
      name: "Swiss Army Knife",
      unlock_rank: "Novice",
      unlock_level: 1,
    });
    expect((await body("/templates?q=brand")).templates).toMatchObject([{ id: 23 }]);
    expect((await api.get("/api/v2/templates/24")).status).toBe(404);
  });
});
