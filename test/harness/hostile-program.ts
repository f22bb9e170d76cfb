import { existsSync, writeFileSync } from "node:fs";
import { chmod, copyFile, cp, mkdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DeedName } from "../fixtures/hostile-worker.ts";
import { eventually } from "./deadline.ts";
import { makeTempFolder } from "./temp-folder.ts";
import { projectFolder } from "./tlsd.ts";

/** A copy of the program whose workers do what they are told to, beside what a worker does. */
export interface HostileProgram {
  /** Its main.ts. */
  readonly path: string;
  /** Resolves when the worker has begun. */
  order(pid: number, deed: DeedName): Promise<void>;
  /** The process that a worker has left behind. */
  leftBehind(kind: "forked" | "escaped"): Promise<number>;
}

export async function makeHostileProgram(): Promise<HostileProgram> {
  const folder = await makeTempFolder();
  const orders = join(folder, "orders");
  await mkdir(orders);
  // Workers are another user's.
  await chmod(orders, 0o777);
  const isProgram = (path: string): boolean => !path.endsWith(".test.ts");
  await cp(join(projectFolder, "src"), join(folder, "src"), { recursive: true, filter: isProgram });
  await copyFile(join(projectFolder, "package.json"), join(folder, "package.json"));
  await symlink(join(projectFolder, "node_modules"), join(folder, "node_modules"));
  const plane = join(folder, "src/dataplane");
  await rename(join(plane, "main.ts"), join(plane, "genuine-main.ts"));
  const fixture = join(projectFolder, "test/fixtures/hostile-worker.ts");
  await copyFile(fixture, join(plane, "hostile-worker.ts"));
  const main = [
    'import { obeyOrders } from "./hostile-worker.ts";',
    'await import("./genuine-main.ts");',
    `obeyOrders(${JSON.stringify(orders)});`,
  ];
  await writeFile(join(plane, "main.ts"), main.join("\n"));

  return {
    path: join(folder, "src/main.ts"),
    order: async (pid, deed) => {
      const path = join(orders, `${pid}.${deed}`);
      writeFileSync(path, "");
      await eventually(() => !existsSync(path), 20_000, `worker ${pid} obeys`);
    },
    leftBehind: async (kind) => Number(await readFile(join(orders, kind), "utf8")),
  };
}
