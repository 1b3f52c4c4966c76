import { ChatRoom as ProductionRoom } from "../../../src/chat/room/durable-object.ts";
import worker from "../../../src/index.ts";
import type { Tool } from "../../../src/tools/tool.ts";

/** The Worker, with rooms that a test can break, and whose turns have a tool. */

export * from "../../../src/objects.ts";

export class ChatRoom extends ProductionRoom {
  /** Puts the room out of memory in the midst of whatever it does, as a failing machine would. */
  break(): void {
    this.ctx.abort("broken by a test");
  }

  /** Has the alarm ring in a second. @returns when it would have, in milliseconds since the epoch */
  async hasten(): Promise<number | null> {
    const at = await this.ctx.storage.getAlarm();
    await this.ctx.storage.setAlarm(Date.now() + 1_000);
    return at;
  }

  protected override tools(): readonly Tool[] {
    return [
      {
        // Of the catalog: the first that the Writer Spirit brings.
        name: "markdown_generator",
        description: "Turns data into Markdown.",
        input_schema: { type: "object", properties: { title: { type: "string" } }, required: ["title"] },
        needs_approval: true,
        spirit_id: 1,
        tool_id: 1,
        run: async (input) => `# ${(input as { title: string }).title}`,
      },
    ];
  }
}

export default {
  ...worker,
  async fetch(request, bindings, lifetime) {
    const { pathname, searchParams } = new URL(request.url);
    if (!pathname.startsWith("/probe/")) return worker.fetch(request, bindings, lifetime);
    const room = bindings.CHAT_ROOM.getByName(searchParams.get("room")!) as unknown as DurableObjectStub<ChatRoom>;
    if (pathname === "/probe/hasten") return new Response(String(await room.hasten()));
    // It answers nobody any more.
    await room.break().catch(() => undefined);
    return new Response("broken");
  },
} satisfies ExportedHandler<Cloudflare.Env>;
