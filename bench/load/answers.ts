import type { TLSSocket } from "node:tls";
import { answerBytes, httpRequestOf, messageBytes, requestBytes } from "./exchange.ts";
import type { LoadPlan } from "./messages.ts";

/** What a load sends on a connection again and again, and how it finds out that the answer is whole. */
export interface RepeatedExchange {
  readonly request: Buffer;
  /** Calls `onAnswer` each time an answer is whole. It is an error if more arrives than was asked for. */
  readonly onEachAnswer: (
    socket: TLSSocket,
    onAnswer: () => void,
    onError: (error: Error) => void,
  ) => void;
}

export function repeatedExchangeOf({ http, load }: LoadPlan): RepeatedExchange {
  if (load === "messages") return ofFixedLength(messageBytes, messageBytes.length);
  if (http === undefined) return ofFixedLength(requestBytes, answerBytes.length);
  return {
    request: httpRequestOf(http),
    onEachAnswer: (socket, onAnswer, onError) =>
      onEachHttpAnswer(socket, http.bodyBytes, onAnswer, onError),
  };
}

const ofFixedLength = (request: Buffer, bytes: number): RepeatedExchange => ({
  request,
  onEachAnswer: (socket, onAnswer, onError) => onEachBytes(socket, bytes, onAnswer, onError),
});

/** Calls `onAnswer` each time `bytes` have arrived. It is an error if more arrive. */
export function onEachBytes(
  socket: TLSSocket,
  bytes: number,
  onAnswer: () => void,
  onError: (error: Error) => void,
): void {
  let receivedBytes = 0;
  socket.on("data", (chunk: Buffer) => {
    receivedBytes += chunk.length;
    if (receivedBytes > bytes) onError(new Error("it sent more than the answer"));
    if (receivedBytes !== bytes) return;
    receivedBytes = 0;
    onAnswer();
  });
}

const emptyLine = Buffer.from("\r\n\r\n");
const statusLine = Buffer.from("HTTP/1.1 200 ");

/** Calls `onAnswer` each time a head and `bodyBytes` after it have arrived. The proxy may have changed the head. */
function onEachHttpAnswer(
  socket: TLSSocket,
  bodyBytes: number,
  onAnswer: () => void,
  onError: (error: Error) => void,
): void {
  let partialHead: Buffer | undefined;
  let missingBytes = 0;
  socket.on("data", (chunk: Buffer) => {
    let receivedBytes = chunk.length;
    if (missingBytes === 0) {
      const bytes = partialHead === undefined ? chunk : Buffer.concat([partialHead, chunk]);
      const headEnd = bytes.indexOf(emptyLine);
      partialHead = headEnd < 0 ? bytes : undefined;
      if (headEnd < 0) return;
      if (bytes.compare(statusLine, 0, statusLine.length, 0, statusLine.length) !== 0) {
        onError(new Error(`it answered ${bytes.toString("latin1", 0, headEnd)}`));
        return;
      }
      receivedBytes = bytes.length - headEnd - emptyLine.length;
      missingBytes = bodyBytes;
    }
    missingBytes -= receivedBytes;
    if (missingBytes < 0) onError(new Error("it sent more than the answer"));
    if (missingBytes === 0) onAnswer();
  });
}

/** Resolves when the head of an answer with status 101 has arrived, and nothing after it. */
export function receiveSwitch(socket: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = "";
    socket.on("data", function read(chunk: Buffer) {
      received += chunk.toString("latin1");
      if (!received.endsWith("\r\n\r\n")) return;
      socket.off("data", read);
      if (received.startsWith("HTTP/1.1 101 ")) resolve();
      else reject(new Error(`it answered ${received}`));
    });
  });
}
