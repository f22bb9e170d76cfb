import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { BenchCertificate } from "../bench-certificate.ts";
import { BenchFailure } from "../bench-failure.ts";
import type { ChildProcesses, StartedProcess } from "../child-processes.ts";
import { freePort } from "../free-port.ts";
import { buildTlsClient, openConnection, type Target } from "../load/tls-client.ts";
import type { Subject } from "./subject.ts";

const startDeadlineMs = 20_000;
const startPollMs = 50;

export interface RunningSubject {
  readonly subject: Subject;
  readonly process: StartedProcess;
  readonly target: Target;
  readonly endpointPort: number;
}

export interface SubjectPlace {
  readonly children: ChildProcesses;
  readonly cores: string;
  readonly workFolder: string;
  readonly certificate: BenchCertificate;
  /** Opens a port of the endpoint's for this subject alone. */
  readonly openEndpoint: () => Promise<number>;
  /** What each subject was configured with, by its name. */
  readonly configurations: Map<string, string>;
}

let startCount = 0;

/** Starts it on its virtual IP and waits until a handshake on the agreed terms succeeds. */
export async function startSubject(subject: Subject, place: SubjectPlace): Promise<RunningSubject> {
  startCount += 1;
  const folder = join(place.workFolder, `${startCount}-${subject.name.replace("/", "-")}`);
  mkdirSync(folder, { mode: 0o755 });
  const endpointPort = await place.openEndpoint();
  const port = await freePort(subject.virtualIp);
  const { virtualIp } = subject;
  const { certificate } = place;
  const launch = subject.prepare({ folder, virtualIp, port, endpointPort, certificate });
  place.configurations.set(subject.name, launch.configuration);
  const process = place.children.start({
    name: subject.name,
    program: launch.program,
    args: launch.args,
    cores: place.cores,
    logPath: join(folder, "output.log"),
  });
  const target: Target = { virtualIp, port, chainPem: certificate.chainPem };
  await waitUntilServing(process, target, launch.isReady);
  return { subject, process, target, endpointPort };
}

async function waitUntilServing(
  process: StartedProcess,
  target: Target,
  isReady: (() => Promise<boolean>) | undefined,
): Promise<void> {
  const client = buildTlsClient(target);
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
      const socket = await openConnection(client, () => {});
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
