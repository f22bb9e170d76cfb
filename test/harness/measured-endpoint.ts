import { setTimeout as delay } from "node:timers/promises";
import { startEndpoint, type Endpoint } from "./endpoint.ts";

/** The end of a chunked body, with trailers. */
const bodyEnd = /\r\n0\r\n(?:.+\r\n)*\r\n$/;
const interim = "HTTP/1.1 103 Early Hints\r\n\r\n";
const statusLine = "HTTP/1.1 200 OK\r\n";

const lengthOf = (head: string): number => Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);

/** What the endpoint answers to `/name/size`. */
const answers: Readonly<Record<string, (size: number) => string>> = {
  fields: (size) => `${statusLine}${"a: b\r\n".repeat(size - 1)}content-length: 0\r\n\r\n`,
  head: (size) => {
    const [start, end] = [`${statusLine}a: `, "\r\ncontent-length: 0\r\n\r\n"];
    return `${start}${"x".repeat(size - start.length - end.length)}${end}`;
  },
  interim: (size) => `${interim.repeat(size)}${statusLine}content-length: 0\r\n\r\n`,
  extension: (size) =>
    `${statusLine}transfer-encoding: chunked\r\n\r\n1;${"a".repeat(size - 1)}\r\nx\r\n0\r\n\r\n`,
  trailers: (size) =>
    `${statusLine}transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n${"a: b\r\n".repeat(size)}\r\n`,
  after204: (size) => `HTTP/1.1 204 No Content\r\n\r\n${"x".repeat(size)}`,
};
const whole = `${statusLine}content-length: 0\r\n\r\n`;

/**
 * An HTTP endpoint without limits of its own. The path says how large a part of its answer is, `/fields/100`, after how many
 * milliseconds the answer comes, `/after/100`, or how long it pauses in its body, `/pause/100`.
 */
export function startMeasuredEndpoint(host: string): Promise<Endpoint> {
  return startEndpoint(
    (socket) => {
      let text = "";
      const answer = async (head: string): Promise<void> => {
        const [, name = "", size = "0"] = head.split(" ", 2)[1]?.split("/") ?? [];
        if (name === "after") await delay(Number(size));
        if (name === "pause") {
          socket.write(`${statusLine}content-length: 2\r\n\r\n1`);
          await delay(Number(size));
          socket.write("2");
        } else socket.write(answers[name]?.(Number(size)) ?? whole);
      };
      socket.on("data", (bytes: Buffer) => {
        text += bytes.toString("latin1");
        const end = text.indexOf("\r\n\r\n");
        if (end < 0) return;
        const head = text.slice(0, end);
        const isWhole = /^transfer-encoding/im.test(head)
          ? bodyEnd.test(text)
          : text.length >= end + "\r\n\r\n".length + lengthOf(head);
        if (!isWhole) return;
        text = "";
        answer(head).catch(() => socket.destroy());
      });
      socket.on("end", () => socket.end());
    },
    { host },
  );
}
