import type { EndpointSession } from "../h1/endpoint-session.ts";

const MAX_BOUND = 100;

/** The idle connections to endpoints that belong to one client connection. */
export class BoundEndpoints {
  readonly #sessions: EndpointSession[] = [];

  take(): EndpointSession | undefined {
    for (;;) {
      const session = this.#sessions.pop();
      if (session?.isClosed !== true) return session;
    }
  }

  keep(session: EndpointSession): void {
    if (this.#sessions.length >= MAX_BOUND) session.close();
    else this.#sessions.push(session);
  }

  close(): void {
    for (const session of this.#sessions) session.close();
    this.#sessions.length = 0;
  }
}
