import { forEachEngine } from "#harness/engines.ts";
import { describeBackPressure } from "../fixtures/back-pressure.ts";

forEachEngine((engine) => describeBackPressure(engine, 500_000_000));
