/** Your own model: Ollama, or any server that speaks OpenAI's Chat Completions. Set MODEL_URL, MODEL_NAME and MODEL_KEY. */
// Development calls Ollama on this machine. Allow another local server in .dev.vars: EGRESS_ALLOWED_HOSTS=127.0.0.1:8000
import {
  connectModel,
  createGuide,
  modelServer,
  printCitations,
  readEvents,
  register,
  startConversation,
  step,
  type Message,
} from "./support.ts";

const user = await register();

step(`Connect a model of ${modelServer.url}`);
const { id: modelId, name } = await connectModel(user);
console.log(`${name} is model ${modelId} of this account. Its key is stored encrypted and never shown again.`);

step("Test the connection with a real call");
type Test = { success: boolean; message: string; response_time: number; error: string | null };
const test = await user.post<Test>("/api/v2/external-models/test", { model_id: modelId });
if (!test.success) throw new Error(test.error ?? test.message);
console.log(`The model answered in ${test.response_time.toFixed(2)} s.`);

step("Ask a minion that uses it");
const id = await startConversation(user, await createGuide(user, modelId));
const stream = await user.request(`/api/v2/conversations/${id}/messages`, {
  method: "POST",
  body: { text: "How long can I return a new bicycle? Cite the passage." },
  headers: { accept: "text/event-stream" },
});
for await (const { data } of readEvents(stream)) {
  if (data === "[DONE]") break;
  const chunk = JSON.parse(data) as { type: string; delta?: string };
  if (chunk.type === "text-delta") process.stdout.write(chunk.delta!);
}
console.log();
const { messages } = await user.get<{ messages: Message[] }>(`/api/v2/conversations/${id}/messages`);
const answer = messages.at(-1)!;
if (answer.error !== null) throw new Error(answer.error.detail);
printCitations(answer.citations);

step("See what it used");
type Usage = { usage: { key: string; calls: number; input_tokens: number; output_tokens: number; cost_usd: number }[] };
const { usage } = await user.get<Usage>("/api/v2/usage?group_by=model");
for (const { key, calls, input_tokens, output_tokens, cost_usd } of usage) {
  console.log(`${key}: ${calls} calls, ${input_tokens} tokens in, ${output_tokens} tokens out, ${cost_usd} dollars`);
}
