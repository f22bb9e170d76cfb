import { renameSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector";

/** Loaded into a worker on either engine. Profiles the worker from its start until SIGUSR2, and then writes the profile. */
const session = new Session();
session.connect();
session.post("Profiler.enable");
session.post("Profiler.start");

process.once("SIGUSR2", () => {
  session.post("Profiler.stop", (error, result) => {
    const path = process.env["BENCH_PROFILE_PATH"];
    if (error !== null || path === undefined) return;
    // The bench waits for the file, so the file must be complete when it appears.
    writeFileSync(`${path}.part`, JSON.stringify(result.profile));
    renameSync(`${path}.part`, path);
  });
});
