import { parseArgs } from "node:util";
import { UserError, runCommand } from "../dev/user-error.ts";
import { benchAccounts } from "./accounts/benchmark.ts";
import { benchCatalog } from "./catalog/benchmark.ts";
import { benchChat } from "./chat/benchmark.ts";
import { benchDatasets } from "./datasets/benchmark.ts";
import { benchGateway } from "./gateway/benchmark.ts";
import { benchKnowledge } from "./knowledge/benchmark.ts";
import { benchLog } from "./log/benchmark.ts";
import { benchRetrieval } from "./retrieval/benchmark.ts";
import { splits } from "./retrieval/questions/read-questions.ts";

const benches = {
  accounts: benchAccounts,
  catalog: benchCatalog,
  chat: benchChat,
  datasets: benchDatasets,
  gateway: benchGateway,
  knowledge: benchKnowledge,
  log: benchLog,
  retrieval: (_rounds: number, _seconds: number, { folder, split }: { folder: string; split: string }) => {
    const known = splits.find((name) => name === split);
    if (folder === "" || known === undefined)
      throw new UserError("Usage: npm run bench -- retrieval --folder <folder> [--split dev|test]");
    return benchRetrieval(folder, known);
  },
};

const usage = `Usage: npm run bench -- <name> [--rounds 13] [--seconds 1]
Names: ${Object.keys(benches).join(", ")}
`;

function isBench(name: string | undefined): name is keyof typeof benches {
  return name !== undefined && Object.hasOwn(benches, name);
}

await runCommand(async () => {
  const { positionals, values } = readArguments();
  const [name] = positionals;
  const rounds = Number(values.rounds);
  const seconds = Number(values.seconds);
  if (!isBench(name) || positionals.length > 1 || !(rounds >= 1) || !(seconds > 0)) throw new UserError(usage);
  await benches[name](Math.trunc(rounds), seconds, values);
});

function readArguments() {
  const option = (fallback: string) => ({ type: "string", default: fallback }) as const;
  try {
    return parseArgs({
      allowPositionals: true,
      options: { rounds: option("13"), seconds: option("1"), folder: option(""), split: option("test") },
    });
  } catch (cause) {
    throw new UserError(usage, { cause });
  }
}
