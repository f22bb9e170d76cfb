import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { BenchCertificates } from "../bench-certificate.ts";
import { BenchFailure } from "../bench-failure.ts";
import type { Shape } from "../cases/bench-case.ts";
import type { ChildProcesses, StartedProcess } from "../child-processes.ts";
import type { Cores } from "../cores.ts";
import { usualTerms, type Terms } from "../load/terms.ts";
import { TlsClient, type Target } from "../load/tls-client.ts";
import type { FoundSubject } from "./find-subjects.ts";
import { placeListeners } from "./place-listeners.ts";
import { offeredGroupsOf } from "./offered-groups.ts";
import type { SiteListener, Subject } from "./subject.ts";

/** Ten thousand listeners take their time. */
const startDeadlineMs = 60_000;
const startPollMs = 50;

export interface RunningSubject {
  readonly subject: Pick<Subject, "name" | "hasWorkers">;
  readonly process: StartedProcess;
  readonly groups: readonly string[];
  readonly endpointPort: number;
  targetOf(terms: Terms): Target;
}

export interface SubjectPlace {
  readonly children: ChildProcesses;
  readonly cores: Cores;
  readonly workFolder: string;
  readonly certificates: BenchCertificates;
  /** Opens a port of the endpoint's for this subject alone. */
  readonly openEndpoint: () => Promise<number>;
  /** What each subject was configured with when it was first started, by its name. */
  readonly configurations: Map<string, string>;
}

let startCount = 0;

/** Starts it on its virtual IP and waits until a handshake on the usual terms succeeds. */
export async function startSubject(
  { subject, build }: FoundSubject,
  shape: Shape,
  place: SubjectPlace,
): Promise<RunningSubject> {
  startCount += 1;
  const folder = join(place.workFolder, `${startCount}-${subject.name.replace("/", "-")}`);
  mkdirSync(folder, { mode: 0o755 });
  const { certificates, configurations, cores } = place;
  const endpointPort = await place.openEndpoint();
  const listeners = await placeListeners(subject.virtualIp, shape.keyTypes);
  const groups = offeredGroupsOf(build.tlsLibrary);
  const { workers, maxConnections } = shape;
  const launch = subject.prepare({
    ...{ folder, listeners, endpointPort, certificates },
    ...{ groups, workers, maxConnections },
  });
  if (!configurations.has(subject.name)) {
    configurations.set(subject.name, launch.configuration.replaceAll(place.workFolder, "."));
  }
  const process = place.children.start({
    name: subject.name,
    program: launch.program,
    args: launch.args,
    cores: workers > 1 ? cores.subjectPair : cores.subject,
    logPath: join(folder, "output.log"),
  });
  const targetOf = buildTargetOf(listeners, certificates);
  await waitUntilServing(process, targetOf(usualTerms), launch.isReady);
  return { subject, process, groups, endpointPort, targetOf };
}

export function buildTargetOf(
  listeners: readonly SiteListener[],
  certificates: BenchCertificates,
): (terms: Terms) => Target {
  return (terms) => ({
    listeners: listeners
      .filter(({ keyType }) => keyType === terms.keyType)
      .map(({ virtualIp, port }) => ({ virtualIp, port })),
    chainPem: certificates[terms.keyType].chainPem,
  });
}

async function waitUntilServing(
  process: StartedProcess,
  target: Target,
  isReady: (() => Promise<boolean>) | undefined,
): Promise<void> {
  // A subject that opens its listeners one after the other has opened all of them when the last one answers.
  const client = new TlsClient({ ...target, listeners: target.listeners.slice(-1) }, usualTerms);
  const deadlineMs = performance.now() + startDeadlineMs;
  let obstacle = "it is not ready";
  while (performance.now() < deadlineMs) {
    await delay(startPollMs);
    if (process.hasExited) {
      throw process.failure("ended while starting");
    }
    if (isReady !== undefined && !(await isReady())) {
      continue;
    }
    try {
      const socket = await client.open(() => {});
      socket.destroy();
      return;
    } catch (error) {
      if (error instanceof BenchFailure) {
        throw process.failure(`does not compare: ${error.message}`);
      }
      obstacle = error instanceof Error ? error.message : String(error);
    }
  }
  throw process.failure(`does not serve within ${startDeadlineMs / 1000} s: ${obstacle}`);
}
