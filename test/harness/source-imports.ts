import { posix } from "node:path";

export interface SourceImport {
  /** A path from the project folder, or the name of a package or built-in module. */
  readonly target: string;
  readonly kind: "file" | "builtin" | "package";
  /** Gone at run time. `import { type A }` is not: it still loads the module. */
  readonly isTypeOnly: boolean;
}

// Files are formatted: a static import or re-export starts its line, and its clause holds nothing but names.
const staticImport =
  /^(?:import|export)\s+(?<type>type\s+)?(?:[\w*\s{},$]+?\s+from\s+)?["'](?<specifier>[^"'\n]+)["']/gm;
const dynamicImport = /\b(?:import|require)\(\s*["'`](?<specifier>[^"'`$]+)["'`]\s*\)/g;

/** What the source of `path` imports, with the aliases of package.json resolved. */
export function importsOf(path: string, source: string): readonly SourceImport[] {
  return [...source.matchAll(staticImport), ...source.matchAll(dynamicImport)].map(({ groups }) => {
    const isTypeOnly = groups?.["type"] !== undefined;
    return { ...resolve(path, groups?.["specifier"] ?? ""), isTypeOnly };
  });
}

function resolve(from: string, specifier: string): Pick<SourceImport, "target" | "kind"> {
  if (specifier.startsWith(".")) {
    return { kind: "file", target: posix.join(posix.dirname(from), specifier) };
  }
  if (specifier.startsWith("#harness/")) {
    return { kind: "file", target: specifier.replace("#", "test/") };
  }
  if (specifier.startsWith("#")) return { kind: "file", target: specifier.replace("#", "src/") };
  if (specifier.startsWith("node:")) return { kind: "builtin", target: specifier };
  const parts = specifier.split("/");
  const name = specifier.startsWith("@") ? parts.slice(0, 2).join("/") : (parts[0] ?? "");
  return { kind: "package", target: name };
}

/** The source without comments that stand on lines of their own or after code. */
export function withoutComments(source: string): string {
  return source.replaceAll(/^\s*\/\*[^]*?\*\//gm, "").replaceAll(/(?:^|\s)\/\/.*$/gm, "");
}
