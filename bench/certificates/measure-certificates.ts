import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { connect, type TLSSocket } from "node:tls";
import { BenchFailure } from "../bench-failure.ts";
import type { MeasuredDirector } from "../changes/measured-director.ts";
import { requestBytes } from "../load/exchange.ts";
import { medianOf } from "../report/result.ts";
import type { CertificateSite } from "./certificate-site.ts";
import { Visitors } from "./visitors.ts";

/** One figure of one run. */
export type CertificateFigure =
  | "start"
  | "startCpu"
  | "watch"
  | "rotated"
  | "change"
  | "imported"
  | "ordered"
  | "edited"
  | "rotationCpu"
  | "wait"
  | "hold"
  | "control"
  | "worker";

export type CertificateRun = Readonly<Record<CertificateFigure, number>>;

/** By then, the processes that read certificates at the start have ended. */
const settleMs = 8_000;
const watchMs = 10_000;
const rotations = 10;
/** Rotations over the API come this long after each other, so that none finds processes which the one before has started. */
const ordered = 5;
const edits = 10;
const quietMs = 6_000;
const pollMs = 5;
const rotationDeadlineMs = 60_000;
const pingEveryMs = 2;
/** Full handshakes during the rotations under load. */
const visitorsASecond = 100;

/** The changes of certificates that a director has logged. */
export class LoggedChanges {
  readonly #seconds: number[] = [];

  /** To be called with each line of the log. */
  hear(line: string): void {
    if (!line.includes('"certificate-changed"')) return;
    const { seconds } = JSON.parse(line) as { readonly seconds: number };
    this.#seconds.push(seconds);
  }

  get ms(): readonly number[] {
    return this.#seconds.map((seconds) => seconds * 1_000);
  }
}

/** Leaves the director alone for a while, then replaces the files of certificates one after the other. */
export async function measureCertificates(
  director: MeasuredDirector,
  site: CertificateSite,
  logged: LoggedChanges,
): Promise<CertificateRun> {
  await delay(settleMs);
  const watch = await shareOfCore(director);
  const pings = new Pings(await open(site, 0));
  const cpuMs = director.cpuMs();
  const startedMs = performance.now();
  const rotated: number[] = [];
  for (let at = 1; at <= rotations; at += 1) rotated.push(await rotate(site, at));
  const elapsedMs = performance.now() - startedMs;
  const rotationCpu = director.cpuMs() - cpuMs - watch * elapsedMs;
  const imported = await post(director, site, "");
  const orders: number[] = [];
  for (let at = 1; at <= ordered; at += 1) {
    await delay(quietMs);
    orders.push(await post(director, site, "/rotate"));
  }
  const edited: number[] = [];
  for (let at = 1; at <= edits; at += 1) edited.push(await edit(director, site, at));
  const wait = await pings.stop();
  const memory = director.memoryMiB();
  return {
    ...{ start: director.startMs, startCpu: director.startCpuMs, watch: watch * 100 },
    ...{ rotated: medianOf(rotated), change: medianOf([...logged.ms]), wait },
    ...{ imported, ordered: medianOf(orders), edited: medianOf(edited) },
    rotationCpu: rotationCpu / rotations,
    hold: await holdUnderLoad(director, site),
    ...memory,
  };
}

/** Rotates certificates of files and of the inventory under load. Returns how long the event loop of the worker was held at most. */
async function holdUnderLoad(director: MeasuredDirector, site: CertificateSite): Promise<number> {
  const { count } = site.options;
  const visitors = new Visitors(visitorsASecond, (at, localAddress) =>
    open(site, (at * 7) % (count - 1), { localAddress }),
  );
  director.watchWorker();
  await delay(settleMs);
  const sinceMs = Date.now();
  for (let at = 1; at <= rotations; at += 1) {
    await rotate(site, at);
    await post(director, site, "/rotate");
  }
  const hold = director.longestHoldMs(sinceMs);
  await visitors.stop();
  return hold;
}

async function shareOfCore(director: MeasuredDirector): Promise<number> {
  const cpuMs = director.cpuMs();
  const startedMs = performance.now();
  await delay(watchMs);
  return (director.cpuMs() - cpuMs) / (performance.now() - startedMs);
}

/** Returns how long it took from the new files until a handshake showed the new certificate. */
async function rotate(site: CertificateSite, at: number): Promise<number> {
  const { serialNumber } = new X509Certificate((await site.renew(at)).chainPem);
  const startedMs = performance.now();
  while (performance.now() - startedMs < rotationDeadlineMs) {
    const socket = await open(site, at);
    const shown = socket.getPeerX509Certificate()?.serialNumber;
    socket.destroy();
    if (shown === serialNumber) return performance.now() - startedMs;
    await delay(pollMs);
  }
  throw new BenchFailure(`The new certificate ${site.nameOf(at)} has not been shown.`);
}

/** Returns how long a change of the certificate of the inventory took, from the request until the reply that proves it. */
async function post(
  director: MeasuredDirector,
  site: CertificateSite,
  action: "" | "/rotate",
): Promise<number> {
  const body = await site.issueKept();
  const startedMs = performance.now();
  await director.api(`/v1/certificates/${site.keptName}${action}`, { method: "POST", body });
  return performance.now() - startedMs;
}

/** Returns how long a change of a server took, which no certificate has to do with. */
async function edit(
  director: MeasuredDirector,
  { spareServer }: CertificateSite,
  at: number,
): Promise<number> {
  const startedMs = performance.now();
  await director.api(`/v1/servers/${spareServer}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: { address: `127.0.0.${at + 2}` },
  });
  return performance.now() - startedMs;
}

async function open(
  site: CertificateSite,
  at: number,
  from: { readonly localAddress?: string } = {},
): Promise<TLSSocket> {
  const { virtualIp, port } = site.options;
  const [servername = ""] = site.serverNamesOf(at);
  const socket = connect({ host: virtualIp, port, servername, ca: site.caPem, ...from });
  await once(socket, "secureConnect", { signal: AbortSignal.timeout(rotationDeadlineMs) });
  return socket;
}

/** Sends small requests on one connection, and measures the longest wait for an answer. */
class Pings {
  readonly #socket: TLSSocket;
  readonly #stopped: Promise<void>;
  #isStopping = false;
  #longestMs = 0;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    this.#stopped = this.#ping();
  }

  async stop(): Promise<number> {
    this.#isStopping = true;
    await this.#stopped;
    this.#socket.destroy();
    return this.#longestMs;
  }

  async #ping(): Promise<void> {
    while (!this.#isStopping) {
      const startedMs = performance.now();
      this.#socket.write(requestBytes);
      await once(this.#socket, "data", { signal: AbortSignal.timeout(rotationDeadlineMs) });
      this.#longestMs = Math.max(this.#longestMs, performance.now() - startedMs);
      await delay(pingEveryMs);
    }
  }
}
