import { judgeHost, type JudgedHost } from "../tls/judge-host.ts";
import type { HttpConnection, HttpRules } from "./http-rules.ts";

/** Judges the hosts of the requests of one connection. Most clients ask for the same host again. */
export class HostJudge {
  readonly #connection: HttpConnection;
  #rules: HttpRules | undefined;
  #authority = "";
  #judged: JudgedHost | undefined;

  constructor(connection: HttpConnection) {
    this.#connection = connection;
  }

  /** Returns whether the newest rules allow a request for this authority on the connection, and its route. */
  judge(authority: string): JudgedHost {
    const { rules } = this.#connection;
    if (this.#judged === undefined || rules !== this.#rules || authority !== this.#authority) {
      this.#judged = judgeHost(rules, this.#connection, authority);
      this.#rules = rules;
      this.#authority = authority;
    }
    return this.#judged;
  }
}
