import * as z from "zod";
import { ok } from "../../kit/http/zod-schemas.ts";
import { providerNames } from "../providers/registry.ts";

export const ModelStatus = z.object({
  ...ok,
  status: z.enum(["configured", "missing_api_key", "incomplete"]),
  status_message: z.string(),
  has_api_key: z.boolean(),
  has_base_url: z.boolean().meta({ description: "Whether the model or its provider has a base URL" }),
  provider: z.enum(providerNames),
  model_id: z.string().meta({ description: "The provider's ID of the model" }),
  minion_name: z.string().meta({ description: "The display name of the model" }),
});
