import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The slowest files. They start first also without earlier timings, where vitest orders files by size. */
const longest = [
  "examples",
  "limits/sign-in-attack",
  "dev/wrangler/plain-dev",
  "catalog/service",
  "auth/security",
  "openapi",
  "notifications/durable-object",
  "dev/cli/main",
  "env",
  "auth/verification/service",
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const index = longest.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return index === -1 ? longest.length : index;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/global-setup.ts",
    // These bounds only end a test that hangs: no test asserts how long something takes.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 60_000 } },
    // One more than the two cores of CI, since tests wait for timers and Postgres a fifth of the time.
    maxWorkers: 3,
    // The PDF library is a bundle already: transforming it takes seconds.
    server: { deps: { external: [/\/formats\/pdf\/pdfjs\.mjs$/] } },
    // A new import of wrangler and the source for each file costs two seconds of CPU. State of a file is visible to the next file.
    isolate: false,
    restoreMocks: true,
    unstubEnvs: true,
    sequence: { sequencer: LongestFirst },
    silent: "passed-only",
  },
});
