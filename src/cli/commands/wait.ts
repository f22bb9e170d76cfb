import { Argument, type Command } from "commander";
import {
  durationOption,
  integerOption,
  jsonOption,
  socketOption,
  withExamples,
} from "./command-options.ts";

/** A state that a vNIC or a server is to have. */
export interface WantedState {
  readonly kind: "vnic" | "server";
  readonly name: string;
  /** `up` or `down`, or `empty` for a server that gets no new connections and has no open ones. */
  readonly state: string;
}

export interface WaitRequest {
  readonly socketPath: string;
  readonly timeoutMs: number;
  /** The process id of the director. */
  readonly pid: number | undefined;
  /** Undefined if the director itself is to be ready. */
  readonly wanted: WantedState | undefined;
  readonly isJson: boolean;
}

interface WaitOptions {
  readonly socket: string;
  readonly timeout: number;
  readonly pid?: number;
  readonly json?: true;
}

/** The largest process id on Linux, PID_MAX_LIMIT of proc(5). */
const MAX_PID = 4_194_304;

/** Adds `tlsd wait`. */
export function addWait(program: Command, run: (request: WaitRequest) => Promise<void>): void {
  const command = program
    .command("wait")
    .description(
      "wait until the director is ready, until a vNIC or a server is up or down, or until a drained server has no connections",
    )
    .addArgument(
      new Argument("[what]", "what to wait for")
        .choices(["ready", "vnic", "server"])
        .default("ready"),
    )
    .argument("[name]", "name of the vNIC or of the server")
    .addArgument(
      new Argument("[state]", "the state that it is to have").choices(["up", "down", "empty"]),
    )
    .addOption(socketOption())
    .addOption(durationOption("--timeout <duration>", "how long to wait", "60s"))
    .addOption(integerOption("--pid <pid>", "stop waiting if this process has ended", 1, MAX_PID))
    .addOption(jsonOption())
    .action(async (kind: "ready" | WantedState["kind"], name?: string, state?: string) => {
      const { socket, timeout, pid, json } = command.opts<WaitOptions>();
      const facts = { socketPath: socket, timeoutMs: timeout, pid, isJson: json === true };
      if (kind === "ready") {
        if (name !== undefined) command.error("error: `wait ready` has no name.");
        return run({ ...facts, wanted: undefined });
      }
      if (kind === "vnic" && state === "empty") command.error("error: only a server can be empty.");
      if (name !== undefined && state !== undefined) {
        return run({ ...facts, wanted: { kind, name, state } });
      }
      return command.error(`error: \`wait ${kind}\` needs a name, and up or down.`);
    });
  withExamples(command, [
    "tlsd wait",
    "tlsd wait ready --timeout 10s --pid $MAINPID",
    "tlsd wait vnic front.shop up --timeout 30s",
    "tlsd wait server web-1 empty --timeout 5m",
  ]);
}
