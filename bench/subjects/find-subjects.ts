import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { buildDirector, buildEarlierDirector, type Variant } from "./director.ts";
import { haproxy } from "./haproxy.ts";
import { hitch } from "./hitch.ts";
import { nginx } from "./nginx.ts";
import { stunnel } from "./stunnel.ts";
import type { Subject, SubjectBuild } from "./subject.ts";

export const peerNames = ["haproxy", "nginx", "hitch", "stunnel"] as const;
export type PeerName = (typeof peerNames)[number];
const peers: Record<PeerName, Subject> = { haproxy, nginx, hitch, stunnel };

export interface FoundSubject {
  readonly subject: Subject;
  readonly build: SubjectBuild;
}

export interface WantedSubjects {
  readonly peers: readonly PeerName[];
  readonly engines: readonly Variant[];
  /** Another working tree of the director, to measure beside this one. */
  readonly against: string | undefined;
}

/** The wanted subjects that are there; as root on Debian, peers that are missing are installed first. */
export function findSubjects(
  { peers: peerNamesWanted, engines, against }: WantedSubjects,
  say: (line: string) => void,
): FoundSubject[] {
  const wanted = [
    ...peerNamesWanted.map((name) => peers[name]),
    ...engines.flatMap((variant) => [
      ...(against === undefined ? [] : [buildEarlierDirector(variant, against)]),
      buildDirector(variant),
    ]),
  ];
  const missing = wanted.filter((subject) => subject.tryBuild() === undefined);
  const packages = missing.flatMap((subject) => subject.packages);
  if (packages.length > 0) {
    installPackages(packages, say);
  }
  return wanted.flatMap((subject) => {
    const build = subject.tryBuild();
    if (build === undefined) {
      say(`${subject.name} is not installed: left out`);
      return [];
    }
    say(`${subject.name}: ${build.version}, ${build.tlsLibrary}`);
    return [{ subject, build }];
  });
}

function installPackages(packages: readonly string[], say: (line: string) => void): void {
  const command = ["apt-get", "install", "-y", "--no-install-recommends", ...packages];
  if (process.getuid?.() !== 0 || !existsSync("/etc/debian_version")) {
    say(`missing peers; on Debian, as root: ${command.join(" ")}`);
    return;
  }
  say(command.join(" "));
  const { status } = spawnSync("env", ["DEBIAN_FRONTEND=noninteractive", ...command], {
    stdio: ["ignore", "ignore", "inherit"],
    timeout: 300_000,
  });
  if (status !== 0) {
    say(`apt-get ended with status ${status}; try apt-get update first`);
  }
}
