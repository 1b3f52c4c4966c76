import type { Ctx } from "../../context.ts";
import { providers } from "./providers.ts";
import { workersAiSettings } from "./settings.ts";

/** Every provider, and whether it can be called here. Asks nobody, and loads no SDK. */
export function listProviders(ctx: Ctx) {
  const settings = workersAiSettings(ctx);
  return providers.map((provider) => {
    const { name, display_name, icon, color, base_url, requires_api_key, models } = provider;
    const { supports_streaming, supports_tools, supports_embeddings, supports_fine_tuning } = provider;
    const reason = provider.unavailable(settings);
    const can = { supports_streaming, supports_tools, supports_embeddings, supports_fine_tuning };
    const shown = { name, display_name, icon, color, base_url, requires_api_key, ...can, models };
    return { ...shown, available: reason === null, reason };
  });
}
