import { expect, test } from "vitest";
import { turnExperience } from "../../src/agent/rules.ts";

const tool_runs = [1, 2].map((run) => ({ spirit_id: 1, tool_id: 1, run: String(run) }));

test("a complete turn gives experience for the turn, its retrieval and its tool runs", () => {
  expect(turnExperience({ outcome: "complete", has_retrieved: true, tool_runs })).toEqual({
    turn: 5,
    retrieval: 3,
    tool_runs: 20,
  });
  expect(turnExperience({ outcome: "complete", has_retrieved: false, tool_runs: [] })).toEqual({
    turn: 5,
    retrieval: 0,
    tool_runs: 0,
  });
});

test.each(["stopped", "failed"] as const)("a %s turn gives experience only for its tool runs", (outcome) => {
  expect(turnExperience({ outcome, has_retrieved: true, tool_runs })).toEqual({ turn: 0, retrieval: 0, tool_runs: 20 });
});
