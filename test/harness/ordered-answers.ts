import { tlsConnect, type TlsClient, type TlsConnectOptions } from "./tls-client.ts";

export interface OrderedAnswer {
  readonly status: string;
  /** Undefined if an answer of this status, or to this method, has none. */
  readonly body: string | undefined;
}

/** The answers that came over one connection of a client, in their order. */
export interface OrderedAnswers {
  readonly answers: readonly OrderedAnswer[];
  /** Bytes after the last answer that are no answer. */
  readonly rest: string;
  /** Whether the connection was still open at the deadline. */
  readonly isOpen: boolean;
}

export interface ReadingOptions {
  readonly deadlineMs: number;
  readonly isHead: boolean;
}

/** Sends the bytes over a connection of its own, and reads answers until it ends. */
export async function orderedAnswersTo(
  bytes: Buffer,
  proxy: TlsConnectOptions,
  { deadlineMs, isHead }: ReadingOptions,
): Promise<OrderedAnswers> {
  await using client = await tlsConnect(proxy);
  // The proxy may close the connection before it has read everything.
  client.send(bytes).catch(() => undefined);
  const answers: OrderedAnswer[] = [];
  try {
    for (;;) answers.push(await readAnswer(client, deadlineMs, isHead && answers.length === 0));
  } catch (error) {
    const isEnd = client.socket.readableEnded || client.socket.destroyed;
    if (!isEnd) return { answers, rest: "", isOpen: true };
    const { message } = error instanceof Error ? error : new Error(String(error));
    const [, json = '""'] = /^ended before .*, after ("[^]*")$/.exec(message) ?? [];
    const rest = JSON.parse(json) as string;
    return { answers, rest, isOpen: false };
  }
}

/** Rejects if there is no further answer. */
async function readAnswer(
  client: TlsClient,
  deadlineMs: number,
  isHead: boolean,
): Promise<OrderedAnswer> {
  const head = await client.read.until("\r\n\r\n", deadlineMs);
  const [, status] = /^HTTP\/1\.[01] (\d{3}) /.exec(head) ?? [];
  if (status === undefined) return { status: JSON.stringify(head), body: undefined };
  if (isHead || status.startsWith("1") || status === "204") return { status, body: undefined };
  if (/^transfer-encoding: chunked\r$/im.test(head)) {
    return { status, body: await client.read.until("\r\n0\r\n\r\n", deadlineMs) };
  }
  const length = /^content-length: (\d+)\r$/im.exec(head)?.[1];
  const body =
    length === undefined
      ? await client.read.toEnd(deadlineMs)
      : await client.read.bytes(Number(length), deadlineMs);
  return { status, body: body.toString("latin1") };
}
