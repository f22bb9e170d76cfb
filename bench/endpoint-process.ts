import { BenchFailure } from "./bench-failure.ts";
import type { EndpointOrder, EndpointReply } from "./load/load-messages.ts";
import type { LoadProcess } from "./load-process.ts";

/** The one endpoint process, with a port for each subject. */
export class EndpointProcess {
  readonly #process: LoadProcess<EndpointOrder, EndpointReply>;

  constructor(process: LoadProcess<EndpointOrder, EndpointReply>) {
    this.#process = process;
  }

  async openPort(): Promise<number> {
    const reply = await this.#process.ask({ type: "listen" });
    if (reply.type !== "listening" || reply.port === 0) {
      throw new BenchFailure("The endpoint could not listen on 127.0.0.1.");
    }
    return reply.port;
  }

  async countConnections(port: number): Promise<number> {
    const reply = await this.#process.ask({ type: "count", port });
    return reply.type === "counted" ? reply.open : 0;
  }
}
