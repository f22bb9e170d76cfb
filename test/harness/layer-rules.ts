import { importsOf, withoutComments, type SourceImport } from "./source-imports.ts";

/** Sources by their path from the project folder. */
export type Sources = ReadonlyMap<string, string>;

interface Layer {
  readonly mayImport: readonly string[];
  readonly packages: readonly string[] | "all";
  readonly hasBuiltins: boolean;
}

/** The table of section 4 of the design. `program` is what stands in src itself. */
const layers: Readonly<Record<string, Layer>> = {
  model: { mayImport: [], packages: ["typebox"], hasBuiltins: false },
  protocol: { mayImport: ["model"], packages: [], hasBuiltins: true },
  dataplane: { mayImport: ["model", "protocol"], packages: [], hasBuiltins: true },
  control: { mayImport: ["model", "protocol"], packages: "all", hasBuiltins: true },
  cli: { mayImport: ["model"], packages: ["commander", "undici", "yaml"], hasBuiltins: true },
  program: { mayImport: ["model", "control", "cli"], packages: ["commander"], hasBuiltins: true },
};
const programFiles = ["src/main.ts", "src/tlsd.mjs"];

interface InnerRule {
  readonly from: RegExp;
  readonly never: RegExp;
  readonly reason: string;
}

const innerRules: readonly InnerRule[] = [
  {
    from: /^src\/dataplane\/(?!connection\/|http\/|modes\/)[^/]+\//,
    never: /^src\/dataplane\/(?:connection\/|http\/|modes\/|[^/]+$)/,
    reason: "only connection/, http/, modes/ and the files above them know the stages",
  },
  {
    from: /^src\/dataplane\/(?:connection|http)\//,
    never: /^src\/dataplane\/(?:modes\/|dataplane-mode\.ts$)/,
    reason: "a stage serves every mode that has what it needs",
  },
  {
    from: /^src\/dataplane\/http\/(?:head|body)\//,
    never: /^src\/dataplane\/(?!http\/(?:head|body)\/)/,
    reason: "the grammar of HTTP knows only bytes",
  },
  {
    from: /^src\/dataplane\/wire\//,
    never: /^src\/dataplane\/(?!wire\/)/,
    reason: "wire/ is a seam: it knows nothing of the data plane",
  },
  {
    from: /^src\/dataplane\/(?!wire\/)/,
    never: /^node:(?:net|tls)$/,
    reason: "sockets and TLS contexts stand behind wire/",
  },
  {
    from: /^src\/control\/(?:state|workers)\//,
    never: /^(?:fastify|undici|node:https?|node:http2|src\/control\/admin-api\/.*)$/,
    reason: "state and workers know no HTTP",
  },
];

const processUse =
  /\bprocess\.(?:env|argv|exit|exitCode)\b|\bprocess\.(?:on|once|addListener)\(|=\s*process\s*[;,)]/;
const modelImpurity =
  /\b(?:Date\.now|performance\.now|setTimeout|setInterval|fetch)\(|\bnew Date\(\)|\bMath\.random\(|\bprocess\./;

const isTest = (path: string): boolean => path.endsWith(".test.ts");
const isMain = (path: string): boolean => path.endsWith("/main.ts") || programFiles.includes(path);

function layerOf(path: string): string | undefined {
  if (programFiles.includes(path)) return "program";
  const folder = /^src\/([^/]+)\//.exec(path)?.[1];
  return folder !== undefined && folder !== "program" && folder in layers ? folder : undefined;
}

/** What breaks the import table, the inner rules of a plane, or the rule that only main.ts files know the process. */
export function findLayerViolations(sources: Sources): readonly string[] {
  const own = [...sources].filter(([path]) => path.startsWith("src/") && !isTest(path));
  const imports = new Map(own.map(([path, source]) => [path, importsOf(path, source)]));
  const schemaFiles = schemaFilesOf(imports);
  return own.flatMap(([path, source]) => {
    const layer = layerOf(path);
    if (layer === undefined) return [`${path}: is in no layer`];
    const code = withoutComments(source);
    return [
      ...(imports.get(path) ?? []).flatMap((found) => [
        ...tableViolations(path, layer, found),
        ...innerViolations(path, found),
        ...schemaViolations(path, layer, found, schemaFiles),
      ]),
      ...(processUse.test(code) && !isMain(path)
        ? [`${path}: only main.ts files read env, argv and signals, or exit`]
        : []),
      ...(layer === "model" && modelImpurity.test(code)
        ? [`${path}: the model has no clock, chance, I/O or process`]
        : []),
    ];
  });
}

function tableViolations(path: string, layer: string, found: SourceImport): readonly string[] {
  const rule = layers[layer];
  if (rule === undefined) return [];
  const refused = [`${path}: ${layer} may not import ${found.target}`];
  if (found.kind === "builtin") {
    if (found.target === "node:process" && !isMain(path)) return refused;
    return rule.hasBuiltins ? [] : refused;
  }
  if (found.kind === "package") {
    return rule.packages === "all" || rule.packages.includes(found.target) ? [] : refused;
  }
  const target = layerOf(found.target);
  const isAllowed = target === layer || (target !== undefined && rule.mayImport.includes(target));
  return isAllowed && !isTest(found.target) ? [] : refused;
}

function innerViolations(path: string, found: SourceImport): readonly string[] {
  return innerRules
    .filter((rule) => rule.from.test(path) && rule.never.test(found.target))
    .map((rule) => `${path}: may not import ${found.target}: ${rule.reason}`);
}

// A worker that loads typebox starts 90 ms later and is 22 MiB larger.
function schemaViolations(
  path: string,
  layer: string,
  found: SourceImport,
  schemaFiles: ReadonlySet<string>,
): readonly string[] {
  const isWorkerCode = layer === "dataplane" || layer === "protocol";
  if (!isWorkerCode || found.isTypeOnly || !schemaFiles.has(found.target)) return [];
  return [`${path}: may import ${found.target} by \`import type\` only: it loads typebox`];
}

/** Model files that load typebox, directly or over another one. */
function schemaFilesOf(imports: ReadonlyMap<string, readonly SourceImport[]>): ReadonlySet<string> {
  const found = new Set<string>();
  const loads = (one: SourceImport): boolean =>
    !one.isTypeOnly && (one.target === "typebox" || found.has(one.target));
  let before = -1;
  while (before !== found.size) {
    before = found.size;
    for (const [path, list] of imports) {
      if (path.startsWith("src/model/") && list.some(loads)) found.add(path);
    }
  }
  return found;
}
