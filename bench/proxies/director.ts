import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import manifest from "../../package.json" with { type: "json" };
import { outputOf, pooledConnections, type Site, type TlsProxy } from "./tls-proxy.ts";

/** The engines, and Bun on the sockets of the portable wire, which Node uses too. */
export const variants = ["bun", "node", "bun-portable"] as const;
export type Variant = (typeof variants)[number];
export const defaultVariants: readonly Variant[] = ["bun", "node"];

/** Evaluated by the engine. Prints the versions of the engine, of BoringSSL (or `none`) and of OpenSSL. */
const versionScript =
  "((v) => [v.bun || v.node, v.boringssl || 'none', v.openssl].join(' '))(process.versions)";

const repository = fileURLToPath(new URL("../../", import.meta.url));
const bunPackage = `@oven/bun-linux-${process.arch === "arm64" ? "aarch64" : process.arch}`;

/** Returns the path of the runtime of the workers. */
export const engineFileOf = (variant: Variant): string =>
  variant === "node" ? process.execPath : join(repository, "node_modules", bunPackage, "bin/bun");

export interface DirectorOptions {
  /** Default: `director/<variant>`. */
  readonly name?: string;
  /** The working tree of the director. Default: this one. */
  readonly tree?: string;
  /** Options for the Node of the control process. */
  readonly nodeOptions?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export function buildDirector(variant: Variant, options: DirectorOptions = {}): TlsProxy {
  const { name = `director/${variant}`, tree = repository, nodeOptions = [], env } = options;
  const engine = variant === "node" ? "node" : "bun";
  return {
    name,
    packages: [],
    modes: ["tcp", "http", "h2"],
    hasWorkers: true,

    findBuild() {
      const versions = outputOf(engineFileOf(variant), ["-p", versionScript]);
      if (versions === undefined) return undefined;
      const [runtime = "", boringSsl = "", openSsl = ""] = versions.trim().split(" ");
      return {
        version: `${manifest.version} on ${engine} ${runtime}`,
        tlsLibrary:
          boringSsl === "none" ? `OpenSSL ${openSsl}` : `BoringSSL ${boringSsl.slice(0, 8)}`,
      };
    },

    prepare(site) {
      const wire = variant === "bun" ? "native" : "portable";
      const configuration = stringify({ director: { wire }, ...documentOf(site) });
      const path = join(site.folder, "director.yaml");
      writeFileSync(path, configuration);
      return {
        program: process.execPath,
        args: [
          ...[...nodeOptions, join(tree, "src/main.ts"), "serve"],
          ...["--config", path, "--data", join(site.folder, "data")],
          ...["--workers", String(site.workers), "--engine", engine],
        ],
        ...(env && { env }),
        configuration,
      };
    },
  };
}

/** The document has one vNIC for each virtual IP. */
function documentOf({ mode, hasAccessLog, listeners, certificates, endpointPort }: Site): object {
  const byIp = Map.groupBy(listeners, ({ virtualIp }) => virtualIp);
  const vnics = [...byIp].map(([ip, own], index) => [
    `front-${index + 1}`,
    {
      ip,
      listeners: own.map(({ port, keyType }) => ({
        port,
        ...(mode === "tcp" ? { mode } : { mode: "http", pool: { maxIdle: pooledConnections } }),
        to: endpointPort,
        certificates: [keyType],
        policy: "modern",
        ...(hasAccessLog && { accessLog: "full" }),
      })),
    },
  ]);
  const files = Object.entries(certificates).map(([keyType, { chainPath, keyPath }]) => [
    keyType,
    { source: "files", chain: chainPath, key: keyPath },
  ]);
  return {
    servers: { "web-1": { address: "127.0.0.1" } },
    profiles: { bench: { servers: ["web-1"], vnics: Object.fromEntries(vnics) } },
    certificates: Object.fromEntries(files),
  };
}
