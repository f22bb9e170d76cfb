import { tryNativeWire } from "./bun/wire.ts";
import { portableWire } from "./portable/wire.ts";
import type { Wire } from "./wire.ts";

export interface ChosenWire {
  readonly wire: Wire;
  readonly name: "native" | "portable";
}

/** What was asked for where the engine has it, else the portable one. */
export async function chooseWire(isNativeWanted: boolean): Promise<ChosenWire> {
  const native = isNativeWanted ? await tryNativeWire() : undefined;
  return native === undefined
    ? { wire: portableWire, name: "portable" }
    : { wire: native, name: "native" };
}
