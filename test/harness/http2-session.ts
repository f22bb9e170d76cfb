import { Http2Client, untilSent } from "./http2-client.ts";
import { MemoryHttp, type MemoryHttpSettings } from "./memory-http.ts";

/** Returns a test that has a session of HTTP/2 in memory, and asserts that nothing is left of it. */
export const withSession =
  (
    test: (http: MemoryHttp, client: Http2Client) => Promise<void>,
    settings: MemoryHttpSettings = {},
  ) =>
  async (): Promise<void> => {
    const http = await MemoryHttp.start(settings);
    const client = await Http2Client.connect(http);
    await test(http, client);
    client.peer.socket.reset();
    await untilSent();
    await http.assertBase();
  };

/** Lets the connection number `at` of the endpoint send this, and resolves when the client has got what follows. */
export async function endpointSends(http: MemoryHttp, text: string, at = -1): Promise<void> {
  await http.endpoint(at).send(text);
  await untilSent();
}
