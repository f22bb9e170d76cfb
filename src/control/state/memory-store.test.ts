import { describeStore } from "#harness/store-contract.ts";
import { MemoryStore } from "./memory-store.ts";

describeStore("a store in memory", async (nowMs) => new MemoryStore(nowMs));
