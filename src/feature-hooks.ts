import * as billing from "./billing/hooks.ts";
import * as chat from "./chat/hooks.ts";
import type { Ctx, Hooks } from "./context.ts";
import { composeHooks } from "./hook-types.ts";
import * as datasets from "./datasets/hooks.ts";
import * as knowledge from "./knowledge/hooks.ts";
import * as memory from "./memory/hooks.ts";
import * as minions from "./minions/hooks.ts";
import * as models from "./models/hooks.ts";
import * as notifications from "./notifications/hooks.ts";

/** The composed hooks of the features, in the order of the features. */
export const hooks: Hooks = composeHooks<Ctx>([notifications, billing, models, minions, datasets, knowledge, memory, chat], {
  ...billing,
  ...minions,
  findMessage: chat.findMessage,
});
