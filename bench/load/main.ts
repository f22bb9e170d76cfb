import { prepareHandshakes } from "./handshakes.ts";
import { prepareH2load } from "./h2load.ts";
import { prepareIdleHttp2 } from "./idle-http2.ts";
import { prepareLatency } from "./latency.ts";
import type { LoadCommand, LoadName, LoadPlan, PreparedLoad } from "./messages.ts";
import {
  prepareBulk,
  prepareIdle,
  prepareMessages,
  prepareOpenRequests,
} from "./open-connections.ts";
import { prepareRequests } from "./requests.ts";
import { serveCommands } from "./serve-commands.ts";

const loads: Readonly<Record<LoadName, (plan: LoadPlan) => Promise<PreparedLoad>>> = {
  handshakes: prepareHandshakes,
  requests: prepareRequests,
  "open-requests": prepareOpenRequests,
  messages: prepareMessages,
  bulk: prepareBulk,
  idle: prepareIdle,
  h2load: prepareH2load,
  "idle-http2": prepareIdleHttp2,
  latency: prepareLatency,
};

let prepared: PreparedLoad | undefined;

serveCommands(async (command: LoadCommand) => {
  switch (command.type) {
    case "prepare":
      prepared = await loads[command.plan.load](command.plan);
      return {};
    case "run":
      return (await prepared?.run()) ?? {};
    case "close":
      await prepared?.close();
      prepared = undefined;
      return {};
    default:
      return command satisfies never;
  }
});
