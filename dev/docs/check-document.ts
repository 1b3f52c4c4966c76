import { posix } from "node:path";

/** What documents can name. */
export type Facts = {
  /** Paths of files and folders below the root, without a slash at the end. */
  paths: ReadonlySet<string>;
  /** Names that `.gitignore` leaves out: they exist once something was run. */
  ignored: ReadonlySet<string>;
  /** Headings of each document, as the anchors that links name. */
  anchors: ReadonlyMap<string, ReadonlySet<string>>;
  scripts: ReadonlySet<string>;
  variables: ReadonlySet<string>;
  /** `GET /api/v2/minions/{id}` */
  operations: ReadonlySet<string>;
};

/** Folders of the repository that a document may name. */
export const folders = [".github", ".ci", "bench", "dev", "docs", "drizzle", "examples", "seed", "src", "test"];

const folderPattern = new RegExp(`^(?:\\./)?(?:${folders.join("|").replaceAll(".", "\\.")})/[\\w./-]*$`);
const variablePattern = /\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g;

/** The names of variables in a text: words in capitals that an underscore joins. */
export const variablesIn = (text: string): string[] => Array.from(text.matchAll(variablePattern), ([name]) => name);

/** @returns what a document names that does not exist, each with its line */
export function checkDocument(path: string, text: string, facts: Facts): string[] {
  const faults: string[] = [];
  let isCode = false;
  for (const [index, line] of text.split("\n").entries()) {
    const report = (fault: string) => void faults.push(`${path}:${index + 1}: ${fault}`);
    if (/^\s*```/.test(line)) {
      isCode = !isCode;
      continue;
    }
    const spans = isCode ? [line] : Array.from(line.matchAll(/`([^`]+)`/g), ([, span]) => span!);
    for (const span of spans) faultsOfCode(span, facts).forEach(report);
    if (isCode) continue;
    for (const [, target] of line.matchAll(/\]\(([^)\s]+)\)/g)) faultsOfLink(path, target!, facts).forEach(report);
  }
  return faults;
}

function faultsOfCode(code: string, facts: Facts): string[] {
  const faults: string[] = [];
  const require = (exists: boolean, what: string) => void (exists || faults.push(`${what} does not exist`));

  for (const [, script, args = ""] of code.matchAll(/\bnpm run ([\w:-]+)((?: (?!&&|\|)[^\s#]+)*)/g)) {
    require(facts.scripts.has(script!), `the script \`npm run ${script}\``);
    const name = args.split(" ").find((word) => /^[a-z][\w-]*$/.test(word));
    if (script === "example" && name !== undefined) {
      require(["ts", "sh"].some((end) => facts.paths.has(`examples/${name}.${end}`)), `the example \`${name}\``);
    }
    if (script === "bench" && name !== undefined) require(facts.paths.has(`bench/${name}`), `the benchmark \`${name}\``);
  }
  for (const variable of variablesIn(code)) {
    require(facts.variables.has(variable), `the variable \`${variable}\``);
  }
  for (const [, method, given] of code.matchAll(
    /(?:\b(GET|POST|PUT|PATCH|DELETE) )?((?:\/api\/|(?<!\w)\/health\b)[\w{}/.:-]*)/g,
  )) {
    require(isOperation(method, given!, facts.operations), `the API path \`${[method, given].filter(Boolean).join(" ")}\``);
  }
  for (const [file] of code.matchAll(/(?<![\w./$}-])(?:[\w.-]+\/)*[\w.-]+\.(?:ts|sh|md|toml|json|sql)\b(?![\w/(])/g)) {
    require(isFile(file.replace(/^\.\//, ""), facts), `the file \`${file}\``);
  }
  const [folder] = folderPattern.exec(code) ?? [];
  if (folder !== undefined && !/\.\w+$/.test(folder))
    require(facts.paths.has(folder.replace(/^\.\/|\/+$/g, "")), `the path \`${folder}\``);
  return [...new Set(faults)];
}

/** A file by its path, or by its name alone wherever it stands. */
function isFile(file: string, { paths, ignored }: Facts): boolean {
  if (paths.has(file) || ignored.has(file.split("/", 1)[0]!)) return true;
  return Array.from(paths).some((path) => path.endsWith(`/${file}`));
}

/** Whether an API path is served. What stands in a document for a parameter may be its name or a value. */
function isOperation(method: string | undefined, path: string, operations: ReadonlySet<string>): boolean {
  const segments = path.replace(/[/.:]+$/, "").split("/");
  return Array.from(operations).some((operation) => {
    const [served, template] = operation.split(" ") as [string, string];
    const parts = template.split("/");
    if (method === undefined ? parts.length < segments.length : method !== served || parts.length !== segments.length)
      return false;
    return segments.every((segment, index) => segment === parts[index] || isParameter(segment, parts[index]!));
  });
}

const isParameter = (segment: string, part: string) => part.startsWith("{") && (!segment.startsWith("{") || segment === part);

function faultsOfLink(document: string, target: string, { paths, anchors }: Facts): string[] {
  if (/^[a-z]+:/.test(target)) return [];
  const [file, anchor] = target.split("#", 2) as [string, string?];
  const path = file === "" ? document : posix.join(posix.dirname(document), file).replace(/\/$/, "");
  if (!paths.has(path)) return [`the link \`${target}\` leads nowhere`];
  return anchor === undefined || anchors.get(path)?.has(anchor) === true ? [] : [`the heading of \`${target}\` does not exist`];
}

/** The anchors of a document's headings, as GitHub names them. */
export function anchorsOf(text: string): Set<string> {
  const headings = Array.from(text.matchAll(/^#{1,6} (.+)$/gm), ([, heading]) => heading!);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}
