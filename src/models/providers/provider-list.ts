import type { Ctx } from "../../context.ts";
import { providers } from "./providers.ts";
import { operatorSettings } from "./settings.ts";

/** Lists every provider with its availability. It sends no request and loads no SDK. */
export function listProviders(ctx: Ctx) {
  const settings = operatorSettings(ctx);
  return providers.map((provider) => {
    const { name, display_name, icon, color, base_url, requires_api_key, models } = provider;
    const { supports_streaming, supports_tools, supports_embeddings, supports_fine_tuning } = provider;
    const reason = provider.unavailable(settings);
    const supports = { supports_streaming, supports_tools, supports_embeddings, supports_fine_tuning };
    const shown = { name, display_name, icon, color, base_url, requires_api_key, ...supports, models };
    return { ...shown, available: reason === null, reason };
  });
}
