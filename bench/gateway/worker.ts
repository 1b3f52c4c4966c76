import type { LanguageModelV4CallOptions } from "@ai-sdk/provider";
import { gatewayModel } from "../../src/models/gateway.ts";
import { languageCandidate } from "../../src/models/registry.ts";

const question: LanguageModelV4CallOptions = {
  prompt: [
    { role: "system", content: "Be kind." },
    { role: "user", content: [{ type: "text", text: "How is Zürich?" }] },
  ],
};

/** Asks a vendor, by the gateway or past it, and replies as soon as the first token is here. */
export default {
  async fetch(request, { VENDOR_URL: baseUrl, VENDOR_KEY: apiKey }, ctx) {
    const candidate = languageCandidate("custom/my-model", { baseUrl, apiKey });
    const isDirect = new URL(request.url).pathname === "/direct";
    const model = isDirect ? await candidate.open() : gatewayModel([candidate], { onUsage: () => {} });
    const reader = (await model.doStream(question)).stream.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || value.type === "error") return new Response("There was no token.", { status: 502 });
      if (value.type === "text-delta") break;
    }
    ctx.waitUntil(drain(reader));
    return new Response("The first token is here.");
  },
} satisfies ExportedHandler<Record<"VENDOR_URL" | "VENDOR_KEY", string>>;

async function drain(reader: ReadableStreamDefaultReader): Promise<void> {
  while (!(await reader.read()).done);
}
