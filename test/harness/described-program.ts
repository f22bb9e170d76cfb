import type { Command } from "commander";
import { buildProgram } from "#cli/build-program.ts";
import { settingsOf } from "#cli/settings/setting-schema.ts";

const nothing = (): Promise<void> => Promise.resolve();

/** The command line as it is described, with nothing behind it. */
export function describedProgram(): Command {
  return buildProgram("0.0.0", "director.yaml", {
    serve: nothing,
    demo: nothing,
    check: nothing,
    schema: nothing,
    show: nothing,
    cut: nothing,
    failback: nothing,
    complete: nothing,
    completion: nothing,
    doctor: nothing,
    reload: nothing,
    wait: nothing,
    resource: nothing,
    logLevel: nothing,
    masterKey: nothing,
    removeVersion: nothing,
    importCertificate: nothing,
    importFolder: nothing,
    rotate: nothing,
    rollback: nothing,
    requestCertificate: nothing,
    apply: nothing,
    diff: nothing,
    edit: nothing,
    export: nothing,
    undo: nothing,
    move: nothing,
    adopt: nothing,
    backup: nothing,
    restore: nothing,
    settingsOf,
  });
}
