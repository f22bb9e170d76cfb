import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, openSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { eventually } from "#harness/deadline.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import type { KeyPlace } from "./key-places.ts";
import { newMasterKeyText } from "./master-key.ts";
import { readMasterKey, type KeyReading } from "./read-master-key.ts";

const text = newMasterKeyText();
const fileAt = (path: string): KeyPlace => ({ kind: "file", path });
const commandOf = (...command: readonly string[]): KeyPlace => ({ kind: "command", command });
const shellOf = (script: string): KeyPlace => commandOf("/bin/sh", "-c", script);

function reasonOf(reading: KeyReading): string {
  assert.ok(reading.kind === "unusable", reading.kind);
  const { reason } = reading;
  assert.ok(!reason.includes(text.toString().trim()), "the reason shows the key");
  return reason;
}

async function makeKeyFile(mode = 0o600, contents: Buffer | string = text): Promise<string> {
  const path = join(await makeTempFolder(), "master.key");
  writeFileSync(path, contents, { mode });
  chmodSync(path, mode);
  return path;
}

describe("a master key in a file", () => {
  it("is read if only the owner has access to it, also through a symlink", async () => {
    for (const mode of [0o600, 0o400]) {
      const path = await makeKeyFile(mode);
      symlinkSync(path, `${path}.link`);
      for (const each of [path, `${path}.link`]) {
        assert.equal((await readMasterKey(fileAt(each))).kind, "key", `${mode}`);
      }
    }
  });

  it("is absent if there is no file, so that it can be made", async () => {
    const path = join(await makeTempFolder(), "none", "master.key");
    assert.deepEqual(await readMasterKey(fileAt(path)), { kind: "absent", path });
  });

  it("is refused if other users have any access to it", async () => {
    for (const mode of [0o640, 0o604, 0o620, 0o610, 0o601, 0o666, 0o777]) {
      const reason = reasonOf(await readMasterKey(fileAt(await makeKeyFile(mode))));
      assert.match(reason, /accessible to other users \(mode 0\d{3}, which must be 0600\)\.$/);
    }
  });

  it("is refused if it belongs to another user", { skip: process.getuid?.() !== 0 }, async () => {
    const path = await makeKeyFile();
    chownSync(path, 12_345, 0);
    assert.match(reasonOf(await readMasterKey(fileAt(path))), /another user \(uid 12345\)/);
  });

  it("is refused if it is a folder, a named pipe, a device or a path that leads nowhere", async () => {
    const folder = await makeTempFolder();
    mkdirSync(join(folder, "folder"));
    execFileSync("mkfifo", ["-m", "600", join(folder, "pipe")]);
    symlinkSync("loop", join(folder, "loop"));
    for (const path of [join(folder, "folder"), join(folder, "pipe"), "/dev/zero"]) {
      assert.match(reasonOf(await readMasterKey(fileAt(path))), /not a regular file/, path);
    }
    assert.match(reasonOf(await readMasterKey(fileAt(join(folder, "loop")))), /ELOOP/);
    const under = join(await makeKeyFile(), "master.key");
    assert.match(reasonOf(await readMasterKey(fileAt(under))), /ENOTDIR/);
    assert.match(reasonOf(await readMasterKey(fileAt("a\0b"))), /failed/);
  });

  it("is refused if it is not the base64 of 32 bytes, however long it is", async () => {
    const long = Buffer.alloc(1024 * 1024, "A");
    for (const contents of ["", "\n", "secret", text.toString().slice(2), long, Buffer.alloc(32)]) {
      const reason = reasonOf(await readMasterKey(fileAt(await makeKeyFile(0o600, contents))));
      assert.match(reason, /not the base64 of 32 bytes/);
    }
  });

  it("is read from a descriptor, which is closed", async () => {
    const path = await makeKeyFile();
    for (const place of [fileAt(path), { kind: "credential", name: "k", path } as const]) {
      const opened = new Map([[path, openSync(path, "r")]]);
      assert.equal((await readMasterKey(place, opened)).kind, "key");
      assert.match(reasonOf(await readMasterKey(place, opened)), /EBADF/);
    }
    const open = await makeKeyFile(0o644);
    const opened = new Map([[open, openSync(open, "r")]]);
    assert.match(reasonOf(await readMasterKey(fileAt(open), opened)), /other users/);
  });
});

describe("a master key in a credential", () => {
  it("is read with the mode that systemd gives it, and is never made", async () => {
    const path = await makeKeyFile(0o440);
    const place: KeyPlace = { kind: "credential", name: "tlsd-key", path };
    assert.equal((await readMasterKey(place)).kind, "key");
    const none = { ...place, path: `${path}.none` };
    assert.match(reasonOf(await readMasterKey(none)), /the credential tlsd-key. It does not exist/);
    const noFolder = { ...place, path: undefined };
    assert.match(reasonOf(await readMasterKey(noFolder)), /systemd passes no credentials/);
  });
});

describe("a master key that a command prints", () => {
  it("is read from its standard output", async () => {
    const path = await makeKeyFile();
    assert.equal((await readMasterKey(commandOf("/bin/cat", path))).kind, "key");
    // Arguments are not the words of a shell.
    assert.match(reasonOf(await readMasterKey(commandOf("/bin/echo", "$(id)"))), /base64/);
  });

  it("is refused if the command fails, prints too much or something else, or does not exist", async () => {
    const secret = text.toString().trim();
    const failures: readonly (readonly [KeyPlace, RegExp])[] = [
      [shellOf(`echo ${secret}; echo ${secret} >&2; exit 3`), /exit code 3/],
      [shellOf(`echo ${secret}; kill -9 $$`), /SIGKILL/],
      [shellOf("yes"), /printed too much/],
      [shellOf("true"), /base64/],
      [shellOf("cat; echo x"), /base64/],
      [commandOf("/nonexistent/command", secret), /It does not exist/],
      [commandOf("/etc/passwd"), /may not read it/],
    ];
    for (const [place, reason] of failures) {
      assert.match(reasonOf(await readMasterKey(place)), reason);
    }
  });

  it("is refused at the deadline, and the command and what it started are ended", async () => {
    const pidFile = join(await makeTempFolder(), "pid");
    const script = `sleep 300 & echo $! > ${pidFile}; wait`;
    const started = performance.now();
    assert.match(reasonOf(await readMasterKey(shellOf(script), new Map(), 500)), /within 0.5 s/);
    // The command would take 300 s.
    assert.ok(performance.now() - started < 20_000);
    const pid = Number(execFileSync("cat", [pidFile], { encoding: "utf8" }));
    await eventually(() => isGone(pid));
  });

  it("is read although a process that the command has left behind holds its output", async () => {
    const path = await makeKeyFile();
    const reading = await readMasterKey(shellOf(`sleep 2 & cat ${path}`), new Map(), 10_000);
    assert.equal(reading.kind, "key");
  });
});

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}
