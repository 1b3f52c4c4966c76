import { app } from "./app.ts";
import { publishCatalog } from "./catalog/service.ts";
import { warmReply } from "./catalog/delivery.ts";
import { jobContext } from "./context.ts";

export default {
  fetch: (request, bindings, execution) => warmReply(request, bindings, execution) ?? app.fetch(request, bindings, execution),

  async scheduled(_controller, bindings, execution) {
    await publishCatalog(jobContext(bindings, execution, "publish-catalog"));
  },
} satisfies ExportedHandler<Cloudflare.Env>;
