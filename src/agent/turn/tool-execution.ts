import type { LanguageModelV4ToolCall } from "@ai-sdk/provider";
import type { Ctx } from "../../context.ts";
import * as z from "zod";
import pLimit, { type LimitFunction } from "p-limit";
import { toAppError } from "../../kit/db/errors.ts";
import { JsonError, parseJson } from "../../kit/json.ts";
import { log } from "../../kit/log.ts";
import { truncate, toPostgresText, invalidTextPaths } from "../../kit/db/text.ts";
import { raceAbort } from "../../kit/async/abort.ts";
import { maxToolInput, maxToolResult, toolConcurrency } from "../constants.ts";
import type { ToolCall } from "../types.ts";
import type { TurnTool } from "../../tools/tool.ts";
import type { TurnEvent } from "../events.ts";

export type ToolExecutionContext = {
  /** The tools that the minion may call. */
  tools: readonly TurnTool[];
  /** Asks the user to approve a call. */
  approve(use: ToolCall): Promise<boolean>;
  emit(event: TurnEvent): void;
  /** The signal of the turn. It also stops running tools. */
  signal: AbortSignal;
  /** Timeout of each run, in ms. */
  toolMs: number;
  ctx: Pick<Ctx, "requestId" | "constraintErrors">;
};

/** A finished call, and its tool if it exists. */
export type ToolCallResult = { use: ToolCall; tool: TurnTool | undefined };

/**
 * Runs the tool calls of a model, at most `toolConcurrency` at once, and emits their events. A call of an unknown tool or with an invalid
 * input fails without running, and the model receives the reason. All calls have ended on return, also if the turn is stopped.
 * @throws the abort reason of the signal, after all calls have ended
 */
export async function executeToolCalls(
  calls: readonly LanguageModelV4ToolCall[],
  execution: ToolExecutionContext,
): Promise<ToolCallResult[]> {
  const limit = pLimit(toolConcurrency);
  const ended = await Promise.allSettled(calls.map((call) => runTool(call, execution, limit)));
  execution.signal.throwIfAborted();
  return ended.map((each) => {
    if (each.status === "rejected") throw each.reason;
    return each.value;
  });
}

async function runTool(
  { toolName, input: text }: LanguageModelV4ToolCall,
  execution: ToolExecutionContext,
  limit: LimitFunction,
): Promise<ToolCallResult> {
  const { tools, emit, approve, signal } = execution;
  const tool = tools.find(({ name }) => name === toolName);
  const call = parseToolInput(tool, text);
  const use: ToolCall = {
    call_id: crypto.randomUUID(),
    tool: tool?.name ?? nameFor(toolName),
    input: call.input,
    status: "running",
    output: null,
    duration_ms: null,
  };
  const end = (status: "complete" | "failed" | "denied", output: string, duration_ms: number): ToolCallResult => {
    const finished = { ...use, status, output: truncate(toPostgresText(output), maxToolResult), duration_ms };
    emit({ type: "tool_finished", use: finished });
    return { use: finished, tool };
  };
  if (tool === undefined || call.fault !== undefined) {
    emit({ type: "tool_started", use });
    return end("failed", call.fault ?? "Tool not found.", 0);
  }
  if (tool.needs_approval) {
    const waiting: ToolCall = { ...use, status: "awaiting_approval" };
    emit({ type: "approval_needed", use: waiting });
    const isApproved = await raceAbort(signal, () => approve(waiting)).catch((reason: unknown) => {
      end("failed", stopped, 0);
      throw reason;
    });
    if (!isApproved) return end("denied", "The user denied this tool call.", 0);
  }
  return limit(async () => {
    if (signal.aborted) return end("failed", stopped, 0);
    emit({ type: "tool_started", use });
    const startedAt = performance.now();
    const { status, output } = await outcomeOf(tool, call.input, execution);
    return end(status, output, Math.round(performance.now() - startedAt));
  });
}

const stopped = "The tool call was stopped.";

async function outcomeOf(
  tool: TurnTool,
  input: unknown,
  { signal, toolMs, ctx }: ToolExecutionContext,
): Promise<{ status: "complete" | "failed"; output: string }> {
  const own = new AbortController();
  const timer = setTimeout(() => own.abort(new Error("A tool timed out.")), toolMs);
  try {
    const both = AbortSignal.any([signal, own.signal]);
    return { status: "complete", output: await raceAbort(both, () => tool.run(input, both)) };
  } catch (error) {
    if (signal.aborted) return { status: "failed", output: stopped };
    if (own.signal.aborted) return { status: "failed", output: `The tool timed out after ${toolMs / 1_000} seconds.` };
    const failure = toAppError(error, ctx.constraintErrors);
    if (failure === undefined) log("error", "A tool failed.", { request_id: ctx.requestId, tool: tool.name, error });
    return { status: "failed", output: failure?.message ?? "The tool failed because of a server error." };
  } finally {
    clearTimeout(timer);
  }
}

/** Parses the input of a call. An invalid input is returned as text, with its fault. */
function parseToolInput(tool: TurnTool | undefined, text: string): { input: unknown; fault?: string } {
  const faulty = (fault: string) => ({ input: truncate(toPostgresText(text), 1_000), fault });
  if (text.length > maxToolInput) return faulty(`The input has more than ${maxToolInput} characters.`);
  try {
    // Some models send an empty string to a tool without input.
    const input: unknown = text.trim() === "" ? {} : parseJson(text);
    if (typeof input !== "object" || input === null || Array.isArray(input)) return faulty("The input must be a JSON object.");
    if (invalidTextPaths(input).length > 0) return faulty("The input has characters that cannot be stored.");
    const fault = tool === undefined ? undefined : inputError(tool, input);
    return fault === undefined ? { input } : { input, fault };
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return faulty(error.path === "" ? `The input ${error.message}.` : `The input is invalid: ${error.path} ${error.message}.`);
  }
}

const schemas = new WeakMap<TurnTool["input_schema"], z.ZodType>();

/** The validation error of an input. Schemas that Zod cannot represent are skipped: the tool validates its input too. */
function inputError({ input_schema }: TurnTool, input: object): string | undefined {
  const { error } = schemaOf(input_schema).safeParse(input);
  if (error === undefined) return undefined;
  const faults = error.issues.map(({ path, message }) => [path.join("."), message].filter(Boolean).join(": "));
  return `The input is invalid: ${faults.join("; ")}`;
}

function schemaOf(jsonSchema: TurnTool["input_schema"]): z.ZodType {
  const known = schemas.get(jsonSchema);
  if (known !== undefined) return known;
  let schema: z.ZodType = z.unknown();
  try {
    schema = z.fromJSONSchema(jsonSchema as Parameters<typeof z.fromJSONSchema>[0]);
  } catch (error) {
    log("warn", "The input of a tool is not validated: its schema is invalid.", { error });
  }
  schemas.set(jsonSchema, schema);
  return schema;
}

/** Sanitizes an unknown tool name, so that every provider accepts it in a prompt. */
function nameFor(name: string): string {
  return name.replace(/[^\w-]/g, "_").slice(0, 64) || "unknown";
}
