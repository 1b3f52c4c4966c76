/** From a document to an answer that quotes it. Give your own: `npm run example quick-start handbook.pdf "How long …?"`. */
import { basename } from "node:path";
import {
  indexDatasets,
  printCitations,
  printMessage,
  register,
  uploadDocument,
  type KnowledgeBase,
  type Message,
} from "./support.ts";

const [file = "examples/documents/bicycle-shop.md", question = "How long can I return a new bicycle?"] = process.argv.slice(2);

// 1. An account. Registering signs this program in.
const user = await register();

// 2. A document. A background job reads it.
const dataset = await uploadDocument(user, file);

// 3. A knowledge base. Another job cuts the document into chunks and embeds them.
const { knowledge_base } = await user.post<{ knowledge_base: KnowledgeBase }>("/api/v2/knowledge-bases", { name: "Handbook" });
await indexDatasets(user, knowledge_base.id, [dataset.id]);

// 4. A minion. The built-in model needs no key: it answers by quoting what the knowledge base has.
const { minion } = await user.post<{ minion: { id: number } }>("/api/v2/minions", {
  name: "guide",
  display_name: "Guide",
  model: "builtin/extractive",
  knowledge_base_id: knowledge_base.id,
  rag_enabled: true,
});

// 5. A conversation with it. The reply comes when the answer is complete.
const { conversation } = await user.post<{ conversation: { id: number } }>(`/api/v2/minions/${minion.id}/conversations`, {});
const { message } = await user.post<{ message: Message }>(`/api/v2/conversations/${conversation.id}/messages`, {
  text: question,
});

printMessage("You", question);
printMessage("Guide", message.text);
printCitations(message.citations);
console.log(`\nGuide read ${basename(file)}. Try your own: npm run example quick-start <file> "<question>"`);
