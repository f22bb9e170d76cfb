import { writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import manifest from "../../package.json" with { type: "json" };
import { tryRunVersionCommand } from "./run-version-command.ts";
import type { Site, SiteListener, Subject } from "./subject.ts";

export const engines = ["bun", "node"] as const;
export type Engine = (typeof engines)[number];
/** The engines as they come, and Bun on the sockets that it has in common with Node. */
export const variants = [...engines, "bun-portable"] as const;
export type Variant = (typeof variants)[number];

/** Evaluated by the engine: its version, BoringSSL's commit or none, OpenSSL's version. */
const runtimeFacts =
  "((v) => [v.bun || v.node, v.boringssl || 'none', v.openssl].join(' '))(process.versions)";

const repository = fileURLToPath(new URL("../../", import.meta.url));
const virtualIps: Record<Variant, string> = {
  bun: "127.0.1.60",
  node: "127.0.1.61",
  "bun-portable": "127.0.1.63",
};
const earlierVirtualIps: Record<Variant, string> = {
  bun: "127.0.1.70",
  node: "127.0.1.71",
  "bun-portable": "127.0.1.73",
};

export const engineOf = (variant: Variant): Engine => (variant === "node" ? "node" : "bun");
export const wireOf = (variant: Variant): "native" | "portable" =>
  variant === "bun" ? "native" : "portable";

/** The director of this working tree, with one worker on the engine. */
export const buildDirector = (variant: Variant): Subject =>
  buildSubject(variant, {
    name: `director/${variant}`,
    tree: repository,
    virtualIp: virtualIps[variant],
  });

/** The director of another working tree, for what a change brings: both in one invocation, in turns. */
export const buildEarlierDirector = (variant: Variant, tree: string): Subject =>
  buildSubject(variant, {
    name: `before/${variant}`,
    tree,
    virtualIp: earlierVirtualIps[variant],
  });

function buildSubject(
  variant: Variant,
  { name, tree, virtualIp }: { name: string; tree: string; virtualIp: string },
): Subject {
  const engine = engineOf(variant);
  return {
    name,
    packages: [],
    virtualIp,
    hasWorkers: true,

    tryBuild() {
      const facts = tryRunVersionCommand(programOf(engine), ["-p", runtimeFacts])
        ?.trim()
        .split(" ");
      if (facts === undefined) {
        return undefined;
      }
      const [runtime = "", boringSsl, openSsl = ""] = facts;
      return {
        version: `${manifest.version} on ${engine} ${runtime}`,
        tlsLibrary:
          boringSsl === "none" ? `OpenSSL ${openSsl}` : `BoringSSL ${boringSsl?.slice(0, 8)}`,
      };
    },

    prepare(site) {
      const configuration = stringify({ director: { wire: wireOf(variant) }, ...documentOf(site) });
      const path = join(site.folder, "director.yaml");
      const data = join(site.folder, "data");
      writeFileSync(path, configuration);
      return {
        program: process.execPath,
        args: [join(tree, "src/main.ts"), "serve"].concat(
          ["--config", path, "--data", data],
          ["--workers", String(site.workers), "--engine", engine],
        ),
        configuration,
        isReady: () => isReady(join(data, "tlsd.sock")),
      };
    },
  };
}

function programOf(engine: Engine): string {
  const architecture = process.arch === "arm64" ? "aarch64" : process.arch;
  return engine === "node"
    ? process.execPath
    : join(repository, `node_modules/@oven/bun-linux-${architecture}/bin/bun`);
}

/** A vNIC for each virtual IP. */
export function documentOf(site: Site): object {
  const vnics = [...Map.groupBy(site.listeners, ({ virtualIp }) => virtualIp)].map(
    ([ip, listeners], index): [string, object] => [
      index === 0 ? "front" : `front-${index + 1}`,
      { ip, listeners: listeners.map((listener) => listenerOf(site, listener)) },
    ],
  );
  return {
    servers: { "web-1": { address: "127.0.0.1" } },
    profiles: { bench: { servers: ["web-1"], vnics: Object.fromEntries(vnics) } },
    certificates: Object.fromEntries(
      (["ecdsa", "rsa"] as const).map((keyType) => [
        keyType,
        {
          source: "files",
          chain: site.certificates[keyType].chainPath,
          key: site.certificates[keyType].keyPath,
        },
      ]),
    ),
  };
}

function listenerOf(site: Site, { port, keyType }: SiteListener): object {
  return {
    port,
    mode: "tcp",
    to: site.endpointPort,
    certificates: [keyType],
    policy: "modern",
  };
}

function isReady(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = request({ socketPath, path: "/readyz", timeout: 1_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    probe.on("timeout", () => probe.destroy());
    probe.on("error", () => resolve(false));
    probe.end();
  });
}
