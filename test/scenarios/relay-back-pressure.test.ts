import { forEachEngine } from "#harness/engines.ts";
import { describeBackPressure } from "../fixtures/back-pressure.ts";

forEachEngine((engine) => describeBackPressure(engine, 60_000_000));
