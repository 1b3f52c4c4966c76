import { describe, expect, test } from "vitest";
import { uploadDataset } from "../../../src/datasets/service.ts";
import { refreshDataset } from "../../../src/datasets/websites/service.ts";
import { datasets } from "../../../src/knowledge/indexing/dataset-source.ts";
import { rebuildBasesOf } from "../../../src/knowledge/indexing/rebuild-dataset.ts";
import { startBuild } from "../../../src/knowledge/indexing/start-build.ts";
import { createBase } from "../../../src/knowledge/service.ts";
import { searchBase } from "../../../src/knowledge/search/query.ts";
import { renderPassages } from "../../../src/models/gateway/passage-block.ts";
import { htmlPage, xmlSitemap } from "../../support/fake-website.ts";
import { useWebsite } from "../../datasets/support/websites.ts";

/** Knowledge bases that hold a website which changes. */

const website = useWebsite();
const { harness } = website;

const settings = { update_strategy: "append", strategy: "prose", chunk_size: 300, chunk_overlap: 20 } as const;
const hours = (time: string) => htmlPage("Opening hours", `The shop opens at ${time} in the morning on weekdays.`);

function publish(time: string): void {
  website.site.pages = {
    "/sitemap.xml": xmlSitemap([website.urlOf("/hours"), website.urlOf("/about")]),
    "/hours": hours(time),
    "/about": htmlPage("About", "The shop repairs bicycles and sells lamps."),
  };
}

async function setUp() {
  publish("nine");
  const site = await website.read("/sitemap.xml");
  const bytes = new TextEncoder().encode("A file about lamps and their batteries.");
  const { row: file } = await uploadDataset(harness.ctx, harness.userId, bytes, { fileName: "lamps.txt" });
  await harness.work();
  const base = await createBase(harness.ctx, harness.userId, { name: "Shop" });
  await startBuild(harness.ctx, harness.userId, base.id, { ...settings, dataset_ids: [site, file.id] }, datasets);
  await harness.work();
  return { site, file: file.id, base: base.id };
}

const ask = async (base: number, query = "When does the shop open?") =>
  (await searchBase(harness.ctx, harness.userId, base, [{ query, top_k: 1, method: "hybrid" }]))[0]!.passages;

const builds = (base: number) =>
  harness.database.sql(
    `select d.status, d.update_strategy, b.active_build_id = d.id as is_active,
       (select json_agg(json_build_object('dataset', p.dataset_id, 'chunks', p.chunk_count, 'reused', p.reused_count, 'size', p.chunk_size, 'strategy', p.strategy) order by bp.position)
        from knowledge_build_parts bp join knowledge_parts p on p.id = bp.part_id where bp.build_id = d.id) as parts
     from knowledge_builds d join knowledge_bases b on b.id = d.knowledge_base_id where b.id = $1 order by d.id`,
    [base],
  );

describe("a knowledge base with a website", () => {
  test("is built again when the website changes, from the changed page only, and cites the page", async () => {
    const { site, file, base } = await setUp();
    publish("ten");
    await website.refresh(site);
    const [passage] = await ask(base);
    expect(passage).toMatchObject({
      text: expect.stringContaining("opens at ten"),
      source: website.urlOf("/hours"),
      dataset_id: site,
    });
    expect(renderPassages([passage!])).toContain(JSON.stringify(website.urlOf("/hours")));
    const part = { size: 300, strategy: "prose" };
    expect(await builds(base)).toEqual([
      {
        status: "complete",
        update_strategy: "append",
        is_active: false,
        parts: [
          { dataset: site, chunks: 2, reused: 0, ...part },
          { dataset: file, chunks: 1, reused: 0, ...part },
        ],
      },
      {
        status: "complete",
        update_strategy: "smart_replace",
        is_active: true,
        parts: [
          { dataset: file, chunks: 1, reused: 0, ...part },
          { dataset: site, chunks: 2, reused: 1, ...part },
        ],
      },
    ]);
  });

  test("is not built again when nothing changed, nor twice for one change", async () => {
    const { site, base } = await setUp();
    await website.refresh(site);
    expect(await builds(base)).toHaveLength(1);
    const changed = { dataset_id: site, user_id: harness.userId, changed_at: new Date().toISOString() };
    await rebuildBasesOf(harness.ctx, changed, datasets);
    await harness.work();
    await rebuildBasesOf(harness.ctx, changed, datasets);
    await harness.work();
    expect((await builds(base)).map(({ update_strategy }) => update_strategy)).toEqual(["append", "smart_replace"]);
  });

  test("waits for a build that is running", async () => {
    const { site, base, file } = await setUp();
    await startBuild(
      harness.ctx,
      harness.userId,
      base,
      { ...settings, update_strategy: "append", dataset_ids: [file] },
      datasets,
    );
    const changed = { dataset_id: site, user_id: harness.userId, changed_at: new Date().toISOString() };
    await expect(rebuildBasesOf(harness.ctx, changed, datasets)).rejects.toMatchObject({ retryable: true });
    await harness.work();
    await rebuildBasesOf(harness.ctx, changed, datasets);
    await harness.work();
    expect((await builds(base)).at(-1)).toMatchObject({
      update_strategy: "smart_replace",
      status: "complete",
      is_active: true,
    });
  });

  test("keeps the rows of a refresh and of its build apart: neither sees half of the other", async () => {
    const { site, base } = await setUp();
    await startBuild(
      harness.ctx,
      harness.userId,
      base,
      { ...settings, update_strategy: "replace", dataset_ids: [site] },
      datasets,
    );
    publish("eleven");
    await refreshDataset(harness.ctx, harness.userId, site);
    await harness.work();
    expect((await ask(base))[0]!.text).toContain("opens at eleven");
    expect(await harness.database.sql("select * from dataset_uses")).toEqual([]);
  });
});
