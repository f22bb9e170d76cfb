import { it } from "node:test";
import { forEachEngine } from "#harness/engines.ts";
import { withstandDeadEndpoint } from "../fixtures/dead-endpoint-flood.ts";

forEachEngine((engine) => {
  it("1,300 connections to an endpoint that never accepts, with 1,024 open files, take no client from another vNIC", async () => {
    await withstandDeadEndpoint(engine, 1_024, 1_300, 4_000);
  });
});
