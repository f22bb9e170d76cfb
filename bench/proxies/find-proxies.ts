import { installPackages, mayInstallPackages } from "#harness/packages.ts";
import { BenchFailure } from "../bench-failure.ts";
import { buildDirector, type Variant } from "./director.ts";
import { buildPeer, type PeerName } from "./peers.ts";
import { h2loadPackage } from "../load/h2load.ts";
import { outputOf, type BenchMode, type ProxyBuild, type TlsProxy } from "./tls-proxy.ts";

export interface FoundProxy {
  readonly proxy: TlsProxy;
  readonly build: ProxyBuild;
}

export interface WantedProxies {
  readonly peers: readonly PeerName[];
  readonly engines: readonly Variant[];
  /** The folder of another working tree of the director. Its engines are measured as `before/<engine>`. */
  readonly against: string | undefined;
}

/**
 * Finds the wanted proxies that have one of the modes. As root on Debian, first installs the packages of missing peers, and h2load if
 * a mode needs it.
 */
export async function findProxies(
  { peers, engines, against }: WantedProxies,
  modes: ReadonlySet<BenchMode>,
  log: (line: string) => void,
): Promise<FoundProxy[]> {
  const wanted = [
    ...peers.map(buildPeer).filter((peer) => peer.modes.some((mode) => modes.has(mode))),
    ...engines.flatMap((variant) => [
      ...(against === undefined
        ? []
        : [buildDirector(variant, { name: `before/${variant}`, tree: against })]),
      buildDirector(variant),
    ]),
  ];
  const missing = wanted.filter((proxy) => proxy.findBuild() === undefined);
  const needsH2load = modes.has("h2") && outputOf("h2load", ["--version"]) === undefined;
  await installMissing(
    [...missing.flatMap(({ packages }) => packages), ...(needsH2load ? [h2loadPackage] : [])],
    log,
  );
  const found = wanted.flatMap((proxy) => {
    const build = proxy.findBuild();
    if (build === undefined) {
      log(`${proxy.name} is not installed and will not be measured`);
      return [];
    }
    log(`${proxy.name}: ${build.version}, ${build.tlsLibrary}`);
    return [{ proxy, build }];
  });
  if (found.length === 0) {
    throw new BenchFailure(
      "There is nothing to measure: choose at least one of --peers and --engines.",
    );
  }
  return found;
}

async function installMissing(
  packages: readonly string[],
  log: (line: string) => void,
): Promise<void> {
  if (packages.length === 0) return;
  const command = `apt-get install ${packages.join(" ")}`;
  if (!mayInstallPackages()) {
    log(`some programs are missing; on Debian, install them as root: ${command}`);
    return;
  }
  log(command);
  const { code, stderr } = await installPackages(packages);
  if (code !== 0) log(`the packages were not installed: ${stderr.trim().slice(-200)}`);
}

/** The key exchange groups of the bench that a TLS library supports, most preferred first. OpenSSL has ML-KEM since 3.5. */
export function supportedGroupsOf(tlsLibrary: string): readonly string[] {
  const [, major, minor] = /^OpenSSL (\d+)\.(\d+)/.exec(tlsLibrary) ?? [];
  const hasMlKem =
    major === undefined
      ? /^(?:BoringSSL|AWS-LC)/.test(tlsLibrary)
      : Number(major) * 100 + Number(minor) >= 305;
  return hasMlKem ? ["X25519MLKEM768", "X25519"] : ["X25519"];
}
