import { forEachEngine } from "#harness/engines.ts";
import { describeSlowClientRounds } from "../fixtures/slow-client-rounds.ts";

forEachEngine((engine) => describeSlowClientRounds(engine, 200));
