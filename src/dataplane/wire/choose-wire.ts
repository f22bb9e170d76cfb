import { tryNativeWire } from "./bun/wire.ts";
import { portableWire } from "./portable/wire.ts";
import type { Wire } from "./wire.ts";

export interface ChosenWire {
  readonly wire: Wire;
  readonly name: "native" | "portable";
}

/** Resolves with the native wire if it is requested and the engine supports it, otherwise with the portable wire. */
export async function chooseWire(isNativeRequested: boolean): Promise<ChosenWire> {
  const native = isNativeRequested ? await tryNativeWire() : undefined;
  return native === undefined
    ? { wire: portableWire, name: "portable" }
    : { wire: native, name: "native" };
}
