import { builtinProvider } from "./builtin/provider.ts";
import { anthropic } from "./vendors/anthropic.ts";
import { cohere } from "./vendors/cohere.ts";
import { custom } from "./vendors/custom.ts";
import { google } from "./vendors/google.ts";
import { groq } from "./vendors/groq.ts";
import { huggingface } from "./vendors/huggingface.ts";
import { local } from "./vendors/local.ts";
import { mistral } from "./vendors/mistral.ts";
import { moonshotai } from "./vendors/moonshotai.ts";
import { nvidia } from "./vendors/nvidia.ts";
import { ollama } from "./vendors/ollama.ts";
import { openai } from "./vendors/openai.ts";
import { openrouter } from "./vendors/openrouter.ts";
import { together } from "./vendors/together.ts";
import { workersAi } from "./vendors/workers-ai.ts";

/** The providers that users can connect, in display order. To add one, create its file in `vendors/` and add a line here. */
const vendors = [
  openai,
  anthropic,
  google,
  mistral,
  cohere,
  groq,
  openrouter,
  together,
  huggingface,
  nvidia,
  moonshotai,
  ollama,
  workersAi,
  custom,
] as const;

/** All providers. The names, lists and schemas of providers derive from this array. */
export const providers = [...vendors, local, builtinProvider(vendors.map(({ display_name }) => display_name))] as const;

export type ProviderName = (typeof providers)[number]["name"];

/** The providers that this server runs or is bound to. Their models need no key and no URL. */
export const serverProviders: ReadonlySet<ProviderName> = new Set<ProviderName>([workersAi.name, local.name, "builtin"]);
