import { execFile } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { FLEET, fleetVnicOf, virtualIpOf, type FleetSize } from "#harness/fleet-document.ts";
import type { Endpoint } from "../load-processes.ts";
import { requestBytes } from "../load/exchange.ts";
import { defaultTls } from "../load/messages.ts";
import { TlsClient } from "../load/tls-client.ts";
import { medianOf } from "../report/result.ts";
import type { MeasuredDirector } from "./measured-director.ts";

/** One figure of one run. */
export type ChangeFigure =
  | "start"
  | "change"
  | "served"
  | "status"
  | "metrics"
  | "hold"
  | "list"
  | "show"
  | "control"
  | "worker";

export type ChangeRun = Readonly<Record<ChangeFigure, number>>;

export const fleetOf = (vnics: number): FleetSize => ({
  servers: Math.ceil((FLEET.servers * vnics) / FLEET.vnics),
  profiles: Math.ceil((FLEET.profiles * vnics) / FLEET.vnics),
  vnics,
});

const run = promisify(execFile);
const changes = 20;
/** How long a director is left alone after its start and after the traffic. */
const settleMs = 2_000;
const clientsAtOnce = 32;
const requestDeadlineMs = 10_000;

export interface Measured {
  /** The entry of the program. */
  readonly program: string;
  readonly director: MeasuredDirector;
  readonly size: FleetSize;
  readonly port: number;
  readonly caPem: string;
  readonly endpoint: Endpoint;
  readonly endpointPort: number;
}

/** Changes one vNIC several times, then sends traffic to all vNICs, and reads the state. */
export async function measureChanges(measured: Measured): Promise<ChangeRun> {
  const { director, size } = measured;
  await delay(settleMs);
  const vnic = Math.floor(size.vnics / 3);
  const other = await measured.endpoint.openPort();
  const changed: number[] = [];
  const served: number[] = [];
  const statuses: number[] = [];
  for (let at = 0; at < changes; at += 1) {
    const to = at % 2 === 0 ? other : measured.endpointPort;
    const startedMs = performance.now();
    await director.api(`/v1/listeners/${fleetVnicOf(vnic, size)}:${measured.port}`, {
      method: "PATCH",
      headers: { "content-type": "application/merge-patch+json" },
      body: { to },
    });
    changed.push(performance.now() - startedMs);
    await requestOf(vnic, measured);
    served.push(performance.now() - startedMs);
    statuses.push(await timeOf(() => director.api("/v1/status")));
  }
  await requestEach(measured);
  await delay(settleMs);
  const sinceMs = Date.now();
  const metrics = await timeOf(() => director.api("/metrics"));
  await delay(200);
  const hold = director.longestHoldMs(sinceMs);
  const list = await timeOf(() => listOf(director));
  const env = { ...process.env, TLSD_SOCKET: director.socketPath };
  const show = await timeOf(() =>
    run(process.execPath, [measured.program, "show", "vnics"], { env, maxBuffer: 1 << 26 }),
  );
  return {
    ...{ start: director.startMs, change: medianOf(changed), served: medianOf(served) },
    ...{ status: medianOf(statuses), metrics, hold, list, show },
    ...director.memoryMiB(),
  };
}

/** The list comes in pages. */
async function listOf(director: MeasuredDirector): Promise<void> {
  let path: string | undefined = "/v1/vnics";
  while (path !== undefined) {
    const { headers } = await director.api(path);
    path = /^<([^>]*)>/.exec(String(headers["link"] ?? ""))?.[1];
  }
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

async function requestEach(measured: Measured): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < measured.size.vnics) {
      next += 1;
      await requestOf(next - 1, measured);
    }
  };
  await Promise.all(Array.from({ length: clientsAtOnce }, work));
}

/** One new connection with one request. */
async function requestOf(vnic: number, { port, caPem }: Measured): Promise<void> {
  const listeners = [{ virtualIp: virtualIpOf(vnic), port }];
  const client = new TlsClient({ listeners, caPem }, defaultTls);
  const socket = await client.open(() => undefined);
  socket.write(requestBytes);
  await once(socket, "data", { signal: AbortSignal.timeout(requestDeadlineMs) });
  socket.destroy();
}
