import type { LanguageModelV4CallOptions } from "@ai-sdk/provider";
import { gatewayModel } from "../../src/models/gateway/gateway.ts";
import { languageCandidate } from "../../src/models/providers/registry.ts";

const question: LanguageModelV4CallOptions = {
  prompt: [
    { role: "system", content: "Be kind." },
    { role: "user", content: [{ type: "text", text: "How is Zürich?" }] },
  ],
};

/** Calls a provider, with the gateway or directly, and responds at the first token. */
export default {
  async fetch(request, { PROVIDER_URL: baseUrl, PROVIDER_KEY: apiKey }, ctx) {
    const candidate = languageCandidate("custom/my-model", { baseUrl, apiKey });
    const isDirect = new URL(request.url).pathname === "/direct";
    const model = isDirect ? await candidate.open() : gatewayModel([candidate], { onUsage: () => {} });
    const reader = (await model.doStream(question)).stream.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || value.type === "error") return new Response("The answer ended without a token.", { status: 502 });
      if (value.type === "text-delta") break;
    }
    ctx.waitUntil(drain(reader));
    return new Response("Received the first token.");
  },
} satisfies ExportedHandler<Record<"PROVIDER_URL" | "PROVIDER_KEY", string>>;

async function drain(reader: ReadableStreamDefaultReader): Promise<void> {
  while (!(await reader.read()).done);
}
