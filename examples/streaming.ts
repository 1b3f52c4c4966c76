/** A conversation over HTTP: wait for an answer, stream one as events (SSE), resume the stream, then search and export. */
import {
  createGuide,
  printCitations,
  printMessage,
  readEvents,
  register,
  startConversation,
  step,
  waitFor,
  type Message,
} from "./support.ts";

/** The chunks of the AI SDK's UI message stream that this example uses. */
type Chunk = { type: string; delta?: string };

const user = await register();
const id = await startConversation(user, await createGuide(user));
const path = `/api/v2/conversations/${id}`;

step("Wait for the whole answer");
const question = "What does the first inspection cost?";
const { message } = await user.post<{ message: Message }>(`${path}/messages`, { text: question });
printMessage("You", question);
printMessage("Guide", message.text);
printCitations(message.citations);

step("Stream an answer, and lose the connection");
// A `client_id` names the message: a client that is not sure whether it was sent sends it again, and it is still one message.
const body = { text: "What does an electric bicycle cost a day, and what is included?", client_id: crypto.randomUUID() };
const events = { accept: "text/event-stream" };
const stream = await user.request(`${path}/messages`, { method: "POST", body, headers: events });
let lastEventId = "";
let text = "";

function apply(chunk: Chunk): void {
  // The server repeats an answer from its start where it cannot continue behind the last event.
  if (chunk.type === "start" || chunk.type === "reset-step") text = "";
  if (chunk.type === "text-delta") text += chunk.delta;
}

for await (const { id: eventId, data } of readEvents(stream)) {
  apply(JSON.parse(data) as Chunk);
  if (eventId !== undefined) lastEventId = eventId;
  if (text !== "" && eventId !== undefined) break;
}
console.log(`Received “${text.trim()}” and event ${lastEventId}. The turn continues on the server.`);

step("Resume the stream behind the last event");
const resumed = await user.request(`${path}/stream`, { headers: { ...events, "last-event-id": lastEventId } });
for await (const { data } of readEvents(resumed)) {
  if (data !== "[DONE]") apply(JSON.parse(data) as Chunk);
}
printMessage("Guide", text);

step("Read, search and export the conversation");
const { messages } = await user.get<{ messages: Message[] }>(`${path}/messages`);
console.log(`${messages.length} messages. The streamed text is complete: ${messages.at(-1)!.text === text ? "yes" : "no"}.`);
// A turn is written to the search index right after it has ended.
const found = await waitFor(
  () => user.get<{ conversations: { title: string }[] }>("/api/v2/conversations?q=inspection"),
  ({ conversations }) => conversations.length > 0,
);
console.log(`Conversations about an inspection: ${found.conversations.map(({ title }) => `“${title}”`).join(", ")}`);
const markdown = await (await user.request(`${path}/export?format=markdown`)).text();
console.log(markdown.split("\n").slice(0, 5).join("\n"));
