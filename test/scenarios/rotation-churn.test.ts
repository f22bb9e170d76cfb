import { forEachEngine } from "#harness/engines.ts";
import { describeRotationChurn } from "../fixtures/rotation-churn.ts";

forEachEngine((engine) => describeRotationChurn(engine, 12_000, 64));
