import * as z from "zod";
import { ok } from "../../kit/http/zod-schemas.ts";
import { ExternalModel, LocalModel } from "../../models/schemas.ts";

const modelTypes = ["external_api", "ollama"] as const;
const ParametersConfig = z.object({ temperature: z.number().nullable(), top_p: z.number().nullable() });
export const ModelDetails = z.object({
  ...ok,
  model_name: z.string(),
  model_type: z.enum(modelTypes),
  details: z.union([
    ExternalModel.extend({ model_type: z.literal("external_api"), parameters_config: ParametersConfig }).meta({
      id: "ExternalModelDetails",
    }),
    LocalModel.extend({ model_type: z.literal("ollama"), parameters_config: ParametersConfig }).meta({
      id: "LocalModelDetails",
    }),
  ]),
});
