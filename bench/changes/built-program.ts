import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const pathOf = (relative: string): string =>
  fileURLToPath(new URL(`../../${relative}`, import.meta.url));

/**
 * The program as a package has it. Its start is measured, and Node takes half a second to strip the types of the sources.
 */
export class BuiltProgram implements Disposable {
  readonly main = pathOf("dist/main.js");

  constructor() {
    const flags = ["--disable-warning=ExperimentalWarning"];
    execFileSync(process.execPath, [...flags, pathOf("deploy/build-package.ts")]);
  }

  [Symbol.dispose](): void {
    rmSync(pathOf("dist"), { recursive: true, force: true });
  }
}
