import { once } from "node:events";
import type { TLSSocket } from "node:tls";
import { onEachBytes, receiveSwitch, repeatedExchangeOf } from "./answers.ts";
import { answerBytes, bulkRequestOf, upgradeBytes, writeBlocks } from "./exchange.ts";
import type { LoadPlan, LoadResult, PreparedLoad } from "./messages.ts";
import { TlsClient } from "./tls-client.ts";

const closeDeadlineMs = 10_000;
const handshakesAtOnce = 32;

/** Connections that stay open during a whole run. */
export interface OpenConnections {
  readonly sockets: readonly TLSSocket[];
  /** Settles as `work` does. Rejects at once if a connection has an error or is closed. */
  guard<T>(work: Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export async function openConnections(plan: LoadPlan, count: number): Promise<OpenConnections> {
  const client = new TlsClient(plan.target, plan.tls);
  const { promise: broken, reject } = Promise.withResolvers<never>();
  broken.catch(() => {});
  const sockets: TLSSocket[] = [];
  let isClosing = false;
  let opened = 0;

  async function openSome(): Promise<void> {
    while (opened < count) {
      opened += 1;
      const socket = await client.open(reject);
      socket.once("close", () => isClosing || reject(new Error("it closed an open connection")));
      sockets.push(socket);
    }
  }
  await Promise.all(Array.from({ length: Math.min(handshakesAtOnce, count) }, openSome));
  return {
    sockets,
    guard: (work) => Promise.race([work, broken]),
    async close() {
      isClosing = true;
      const remaining = sockets.filter((socket) => !socket.closed);
      const closed = remaining.map((socket) => once(socket, "close"));
      const deadline = setTimeout(() => {
        for (const socket of remaining) socket.destroy();
      }, closeDeadlineMs);
      for (const socket of sockets) socket.end();
      await Promise.all(closed);
      clearTimeout(deadline);
    },
  };
}

function receive(socket: TLSSocket, bytes: number): Promise<void> {
  return new Promise((resolve, reject) => onEachBytes(socket, bytes, resolve, reject));
}

/** Sends messages on WebSockets in turn, each of which comes back. `concurrency` WebSockets wait for a message at a time. */
export async function prepareMessages(plan: LoadPlan): Promise<PreparedLoad> {
  const connections = await openConnections(plan, plan.connections ?? plan.concurrency);
  const upgraded = connections.sockets.map((socket) => {
    const received = receiveSwitch(socket);
    socket.write(upgradeBytes);
    return received;
  });
  await connections.guard(Promise.all(upgraded));
  return repeat(connections, plan);
}

/** Sends requests on the open connections in turn. `concurrency` connections wait for an answer at a time. */
export async function prepareOpenRequests(plan: LoadPlan): Promise<PreparedLoad> {
  return repeat(await openConnections(plan, plan.connections ?? plan.concurrency), plan);
}

function repeat(connections: OpenConnections, plan: LoadPlan): PreparedLoad {
  const { request, onEachAnswer } = repeatedExchangeOf(plan);

  function requestAll(): Promise<LoadResult> {
    return new Promise((resolve, reject) => {
      // A connection that has received its answer is put at the end of the queue, so that all connections are used equally.
      const queue = [...connections.sockets];
      let sent = 0;
      let answered = 0;

      function sendNext(): void {
        if (sent === plan.operations) return;
        queue[sent % queue.length]?.write(request);
        sent += 1;
      }
      for (const socket of connections.sockets) {
        const onAnswer = (): void => {
          queue[answered % queue.length] = socket;
          answered += 1;
          if (answered === plan.operations) resolve({ operations: answered });
          sendNext();
        };
        onEachAnswer(socket, onAnswer, reject);
      }
      for (let first = 0; first < plan.concurrency; first += 1) sendNext();
    });
  }
  return { run: () => connections.guard(requestAll()), close: () => connections.close() };
}

/** Downloads or uploads the bytes of the plan, an equal share on each connection. */
export async function prepareBulk(plan: LoadPlan): Promise<PreparedLoad> {
  const connections = await openConnections(plan, plan.concurrency);
  const { direction = "downstream" } = plan;
  const bytes = Math.floor(plan.operations / plan.concurrency);

  async function moveShare(socket: TLSSocket): Promise<void> {
    const isUpload = direction === "upstream";
    const received = receive(socket, isUpload ? answerBytes.length : bytes);
    socket.write(bulkRequestOf({ direction, bytes }));
    if (isUpload) writeBlocks(socket, bytes);
    await received;
  }
  return {
    async run() {
      await connections.guard(Promise.all(connections.sockets.map(moveShare)));
      return { operations: bytes * connections.sockets.length };
    },
    close: () => connections.close(),
  };
}

/** Opens as many connections as the plan has operations, requests or downloads on each what the plan says, and leaves them idle. */
export async function prepareIdle(plan: LoadPlan): Promise<PreparedLoad> {
  const connections = await openConnections(plan, plan.operations);
  const { downloadBytes: bytes, http } = plan;
  const waiting = connections.sockets.values();

  async function requestSome(): Promise<void> {
    const { request, onEachAnswer } = repeatedExchangeOf(plan);
    for (const socket of waiting) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      onEachAnswer(socket, resolve, reject);
      socket.write(request);
      await promise;
    }
  }
  async function downloadSome(): Promise<void> {
    if (http !== undefined) await requestSome();
    if (bytes === undefined) return;
    for (const socket of waiting) {
      const received = receive(socket, bytes);
      socket.write(bulkRequestOf({ direction: "downstream", bytes }));
      await received;
    }
  }
  await connections.guard(Promise.all(Array.from({ length: plan.concurrency }, downloadSome)));
  return {
    run: () => connections.guard(Promise.resolve({ operations: connections.sockets.length })),
    close: () => connections.close(),
  };
}
