import type { ProviderName } from "../../../src/models/providers/providers.ts";
import { gatewayModel } from "../../../src/models/gateway/gateway.ts";
import { languageCandidate } from "../../../src/models/providers/registry.ts";
import type { UsageRecord } from "../../../src/models/gateway/usage-record.ts";
import { partsOf, question, textIn } from "./models.ts";

/** What the probe is asked to ask. */
export type ProbeRequest = { name: ProviderName; model: string; apiKey: string; baseUrl: string; how: "generate" | "stream" };

/** What came of it. */
export type ProbeReply = { text: string; failure?: string; records: UsageRecord[] };

/** A Worker that asks one model through the gateway, as the runtime of production would. */
export default {
  async fetch(request) {
    const { name, model, how, ...settings } = (await request.json()) as ProbeRequest;
    const records: UsageRecord[] = [];
    const llm = gatewayModel([languageCandidate(`${name}/${model}`, { ...settings, coalesceDeltas: true })], {
      firstTokenMs: 5_000,
      pauseMs: 1,
      onUsage: (record) => records.push(record),
    });
    try {
      if (how === "generate") {
        const { content } = await llm.doGenerate(question);
        const text = content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("");
        return Response.json({ text, records } satisfies ProbeReply);
      }
      const parts = await partsOf(llm);
      const failure = parts.flatMap((part) => (part.type === "error" ? [(part.error as Error).message] : []))[0];
      return Response.json({
        text: textIn(parts),
        ...(failure === undefined ? {} : { failure }),
        records,
      } satisfies ProbeReply);
    } catch (cause) {
      return Response.json({ text: "", failure: (cause as Error).message, records } satisfies ProbeReply);
    }
  },
} satisfies ExportedHandler;
