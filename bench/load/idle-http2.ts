import { once } from "node:events";
import { connect, type ClientHttp2Session } from "node:http2";
import { BenchFailure } from "../bench-failure.ts";
import { httpRequestOf } from "./exchange.ts";
import { benchServerName, type LoadPlan, type PreparedLoad } from "./messages.ts";
import { TlsClient } from "./tls-client.ts";

/** Opens as many connections of HTTP/2 as the plan has operations, makes a request on each, and leaves them idle. */
export async function prepareIdleHttp2(plan: LoadPlan): Promise<PreparedLoad> {
  const { target, tls, operations, concurrency, http } = plan;
  if (http === undefined) throw new TypeError("Idle connections of HTTP/2 need a plan for HTTP.");
  const client = new TlsClient(target, tls);
  const [, path] = httpRequestOf(http).toString("latin1").split(" ", 2);
  const { promise: broken, reject } = Promise.withResolvers<never>();
  broken.catch(() => {});
  const sessions: ClientHttp2Session[] = [];
  let opened = 0;
  let isClosing = false;

  async function openSome(): Promise<void> {
    while (opened < operations) {
      opened += 1;
      const socket = await client.open(reject);
      const session = connect(`https://${benchServerName}`, { createConnection: () => socket });
      session.on("error", reject);
      session.once("close", () => isClosing || reject(new Error("it closed an open connection")));
      sessions.push(session);
      const stream = session.request({ ":path": path });
      stream.resume();
      const [head] = (await once(stream, "response")) as [{ readonly ":status"?: number }];
      if (head[":status"] !== 200) throw new BenchFailure(`it answered ${head[":status"]}`);
      await once(stream, "close");
    }
  }
  await Promise.race([Promise.all(Array.from({ length: concurrency }, openSome)), broken]);
  return {
    run: () => Promise.race([Promise.resolve({ operations: sessions.length }), broken]),
    async close() {
      isClosing = true;
      const closed = sessions.map((session) => once(session, "close"));
      for (const session of sessions) session.close();
      await Promise.all(closed);
    },
  };
}
