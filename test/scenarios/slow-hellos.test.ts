import { forEachEngine } from "#harness/engines.ts";
import { describeSlowHellos } from "../fixtures/slow-hellos.ts";

forEachEngine((engine) => describeSlowHellos(engine, 200, 5));
