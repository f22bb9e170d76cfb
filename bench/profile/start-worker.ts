import { EventEmitter, once } from "node:events";
import { writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { join, parse } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { checkFile } from "#control/check-file.ts";
import { startReader } from "#control/reader/start-reader.ts";
import { compileSnapshot } from "#control/compile-snapshot.ts";
import { buildPrepare } from "#control/workers/difference.ts";
import { findEngine } from "#control/workers/find-engine.ts";
import { LIMITS_OF_CONTROL } from "#protocol/channel-limits.ts";
import { Channel } from "#protocol/channel.ts";
import type { Prepare, ToControl, ToWorker } from "#protocol/messages.ts";
import { openStreamPipe } from "#protocol/stream-pipe.ts";
import { WORKER_PIPE_FD } from "#protocol/worker-pipe.ts";
import { BenchFailure } from "../bench-failure.ts";
import type { ChildProcesses, StartedProcess } from "../child-processes.ts";
import { documentOf, engineOf, wireOf, type Engine, type Variant } from "../subjects/director.ts";
import type { Site } from "../subjects/subject.ts";

const entry = fileURLToPath(new URL("../../src/dataplane/main.ts", import.meta.url));
const replyDeadlineMs = 10_000;
const drainMs = 2_000;
/** A profile of some seconds takes its time to be written. */
const exitDeadlineMs = 60_000;

export interface ProfiledWorker {
  readonly process: StartedProcess;
  /** Resolves when it has written its profile and gone. */
  leave(): Promise<void>;
}

/**
 * A worker with the engine's own profiler, which a director does not offer: started here, and told what to serve over
 * a channel as a control process would.
 */
export async function startWorker(
  variant: Variant,
  site: Site,
  tools: {
    readonly children: ChildProcesses;
    readonly cores: string;
    readonly profilePath: string;
  },
): Promise<ProfiledWorker> {
  const prepare = await compilePrepare(site);
  const engine = engineOf(variant);
  const binary = findEngine({ wanted: engine, nodeFile: process.execPath, arch: process.arch });
  const worker = tools.children.start({
    name: `worker on ${variant}`,
    program: binary.file,
    args: [
      ...binary.flags,
      ...profileFlagsOf(engine, tools.profilePath),
      entry,
      `--wire=${wireOf(variant)}`,
    ],
    cores: tools.cores,
    logPath: join(site.folder, "output.log"),
    channel: "pipe",
    env: { PATH: "/usr/local/bin:/usr/bin:/bin", BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0" },
    cwd: site.folder,
  });
  const messages = new EventEmitter();
  const channel = new Channel<ToWorker>(LIMITS_OF_CONTROL, {
    onMessage: (message) => messages.emit("message", message),
    onMalformed: () => worker.child.kill("SIGKILL"),
    onClose: () => undefined,
  });
  const pipe = worker.child.stdio[WORKER_PIPE_FD];
  if (!(pipe instanceof Socket)) throw worker.failure("has no pipe");
  channel.attach(openStreamPipe(pipe, channel));
  const awaitMessage = (type: ToControl["type"]) => awaitReply(worker, messages, type);
  await awaitMessage("ready");
  await tell(prepare, "prepared");
  await tell({ type: "commit", number: prepare.number }, "committed");

  async function tell(message: ToWorker, answer: ToControl["type"]): Promise<void> {
    const answered = awaitMessage(answer);
    channel.send(message);
    await answered;
  }
  return {
    process: worker,
    async leave() {
      const exited = once(worker.child, "exit");
      channel.send({ type: "drain", deadlineMs: drainMs });
      const isGone = await Promise.race([
        exited.then(() => true),
        delay(exitDeadlineMs, false, { ref: false }),
      ]);
      if (!isGone) {
        throw worker.failure(`did not end within ${exitDeadlineMs / 1_000} s`);
      }
    },
  };
}

/** Both engines write V8's format. Bun adds Markdown, and the endings itself when it writes both. */
function profileFlagsOf(engine: Engine, profilePath: string): string[] {
  const { dir, name, base } = parse(profilePath);
  const common = ["--cpu-prof", `--cpu-prof-dir=${dir}`];
  return engine === "bun"
    ? [...common, "--cpu-prof-md", `--cpu-prof-name=${name}`]
    : [...common, `--cpu-prof-name=${base}`];
}

async function compilePrepare(site: Site): Promise<Prepare> {
  const path = join(site.folder, "director.yaml");
  writeFileSync(path, stringify(documentOf(site)));
  const reader = startReader({
    nodeFile: process.execPath,
    env: process.env,
    onFault(error) {
      throw error;
    },
  });
  const { document, sources, problems } = await checkFile(path, reader);
  if (document === undefined || sources === undefined) {
    throw new BenchFailure(`The document is refused: ${problems[0]?.message ?? "no reason"}.`);
  }
  const compiled = compileSnapshot({
    number: 1,
    revision: 1,
    document,
    sources,
    workers: 1,
    connectionsPerWorker: () => site.maxConnections,
  });
  return buildPrepare(undefined, compiled);
}

function awaitReply(
  worker: StartedProcess,
  messages: EventEmitter,
  type: ToControl["type"],
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onMessage = (message: ToControl) => {
    if (message.type === type) {
      resolve();
    } else if (message.type === "refused") {
      reject(new BenchFailure(`${worker.name} refused: ${message.code} ${message.detail}`));
    }
  };
  const onExit = () => reject(worker.failure("ended while starting"));
  const deadline = setTimeout(
    () => reject(worker.failure(`said no "${type}" within ${replyDeadlineMs / 1_000} s`)),
    replyDeadlineMs,
  );
  messages.on("message", onMessage);
  worker.child.once("exit", onExit);
  return promise.finally(() => {
    clearTimeout(deadline);
    messages.off("message", onMessage);
    worker.child.off("exit", onExit);
  });
}
