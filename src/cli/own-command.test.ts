import assert from "node:assert/strict";
import { mkdir, realpath, symlink } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";
import { ownCommandOf } from "./own-command.ts";

it("is `tlsd` only if a folder of the PATH contains this program", async () => {
  const folder = await realpath(await makeTempFolder());
  const launcher = join(folder, "my lib/src/tlsd.sh");
  await writeFiles(folder, { "my lib/src/tlsd.sh": "", "other/tlsd": "" });
  for (const bin of ["bin", "node_modules/.bin"]) {
    await mkdir(join(folder, bin), { recursive: true });
    await symlink(launcher, join(folder, bin, "tlsd"));
  }
  const commandOn = (...path: readonly string[]): string =>
    ownCommandOf(launcher, path.join(":"), "/srv");
  assert.equal(commandOn("/nowhere", join(folder, "bin")), "tlsd");
  assert.equal(commandOn(join(folder, "other")), `'${launcher}'`);
  assert.equal(commandOn(join(folder, "node_modules/.bin")), `'${launcher}'`);
  assert.equal(ownCommandOf("/opt/tlsd.sh", ":.", "/srv"), "/opt/tlsd.sh");
  assert.equal(ownCommandOf("/opt/src/tlsd.sh", "", "/opt"), "src/tlsd.sh");
});
