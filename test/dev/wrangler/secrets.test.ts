import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { beforeEach, describe, expect, test } from "vitest";
import { ensureSecrets } from "../../../dev/wrangler/secrets.ts";
import { scratchFolder } from "../support/scratch.ts";

let file: string;
let example: string;

beforeEach(async () => {
  const folder = await scratchFolder();
  file = join(folder, ".dev.vars");
  example = join(folder, ".dev.vars.example");
  await writeFile(example, "# names\nDATABASE_URL=postgres://x\nNEON_PROXY=\nADMIN_SECRET=\nSIGNING_SECRET=\n");
});

const secrets = async () => parseEnv(await readFile(file, "utf8"));

describe("development secrets", () => {
  test("they are created once, differ, and are readable only by their owner", async () => {
    expect(ensureSecrets(file, example)).toEqual(["ADMIN_SECRET", "SIGNING_SECRET"]);
    const made = await secrets();
    expect(Object.keys(made)).toEqual(["ADMIN_SECRET", "SIGNING_SECRET"]);
    expect(new Set(Object.values(made)).size).toBe(2);
    for (const value of Object.values(made)) expect(value).toMatch(/^dev-[\w-]{43}$/);
    expect((await stat(file)).mode & 0o777).toBe(0o600);

    expect(ensureSecrets(file, example)).toEqual([]);
    expect(await secrets()).toEqual(made);
  });

  test("existing values are kept and missing names are added", async () => {
    await writeFile(file, "ADMIN_SECRET='mine # really'\nEXTRA=1\nSIGNING_SECRET=", { mode: 0o644 });
    expect(ensureSecrets(file, example)).toEqual(["SIGNING_SECRET"]);
    expect(await secrets()).toEqual({
      ADMIN_SECRET: "mine # really",
      EXTRA: "1",
      SIGNING_SECRET: expect.stringMatching(/^dev-/),
    });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });
});
