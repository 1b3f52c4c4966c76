import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** What takes longest where nothing is known yet: by its size, which vitest goes by then, each would come late. */
const longest = [
  "dev/wrangler/plain-dev",
  "examples",
  "limits/sign-in-attack",
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
      const place = longest.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return place === -1 ? longest.length : place;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/global-setup.ts",
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // One more than the cores of the machine that it is meant for: a fifth of the time is waited for timers and Postgres.
    maxWorkers: 3,
    // To import wrangler and the source anew for each file costs two seconds of CPU. What a file leaves behind, the next one meets.
    isolate: false,
    restoreMocks: true,
    unstubEnvs: true,
    sequence: { sequencer: LongestFirst },
    silent: "passed-only",
  },
});
