import { describe, expect, test } from "vitest";
import { estimatePromptTokens } from "../../../src/agent/prompt/prompt-messages.ts";
import { apiError, hello } from "../../models/support/scripted-model.ts";
import {
  assistantMessage,
  modelOf,
  runTestTurn,
  tool,
  toolCall,
  toolCallStream,
  turnInput,
  userMessage,
} from "../support/settings.ts";

describe("a prompt that is too long for the model", () => {
  const overflow = (message: string) => apiError(400, {}, JSON.stringify({ error: { message } }));
  const long = turnInput(
    ...Array.from({ length: 20 }, (_, n) =>
      n % 2 === 0
        ? userMessage(n + 1, `Question ${n} ${"x".repeat(400)}`)
        : assistantMessage(n + 1, `Answer ${n} ${"y".repeat(400)}`),
    ),
    userMessage(21, "And now?"),
  );
  const sizes = ({ requests }: ReturnType<typeof modelOf>) =>
    requests.filter(({ maxOutputTokens }) => maxOutputTokens === undefined).map(({ prompt }) => estimatePromptTokens(prompt));

  test("the turn is taken again with what fits into the window that the model names", async () => {
    const scripted = modelOf(
      overflow("This model's maximum context length is 2048 tokens. However, you requested 5000."),
      hello,
    );
    const { result, text } = await runTestTurn(long, { model: scripted.model });
    expect([result.outcome, text]).toEqual(["complete", "Hello"]);
    expect(result.memory_status).not.toBe("full");
    expect(sizes(scripted).at(-1)).toBeLessThan(2048);
  });

  test("without a number, the turn is taken again with less each time", async () => {
    const scripted = modelOf(overflow("the request exceeds the available context size"), hello);
    const { result } = await runTestTurn(long, { model: scripted.model });
    expect(result.outcome).toBe("complete");
    const [first, ...others] = sizes(scripted);
    expect(others.at(-1)).toBeLessThan(first!);
  });

  test("a message that never fits is reported as too long", async () => {
    const scripted = modelOf(overflow("prompt is too long"));
    const { result } = await runTestTurn(`What is ${"x".repeat(4_000)}?`, { model: scripted.model });
    expect(result.failure).toMatchObject({
      code: "context_exceeded",
      retryable: false,
      detail: expect.stringContaining("does not fit into the context window") as string,
    });
  });

  test("results of tools are shortened to the window", async () => {
    const scripted = modelOf(toolCallStream(toolCall("look_up")), overflow("maximum context length is 1500 tokens"), hello);
    const run = async () => "z".repeat(15_000);
    const { result } = await runTestTurn("How is Zürich?", { model: scripted.model, tools: [tool({ run })] });
    expect(result.outcome).toBe("complete");
    expect(estimatePromptTokens(scripted.requests.at(-1)!.prompt)).toBeLessThan(1_500);
  });
});
