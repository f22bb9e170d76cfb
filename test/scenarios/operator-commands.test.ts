import assert from "node:assert/strict";
import { rename, chmod, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import type { ChangeReply } from "#model/records/change-reply.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { eventually } from "#harness/deadline.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { isEvent } from "#harness/log-capture.ts";
import { Operator, type CommandInput, type CommandOutput } from "#harness/operator.ts";
import { rawConnect } from "#harness/socket-client.ts";
import { writeFiles } from "#harness/temp-folder.ts";
import { createTestCa } from "#harness/test-ca.ts";
import { runTlsd } from "#harness/tlsd.ts";

const noticeMs = 15_000;
const comment = "# what we serve\n";

// The control process answers, whatever the engine of its workers. Each test begins where the one before has ended.
describe("an operator changes a director by commands", { concurrency: false }, () => {
  const ip = uniqueVirtualIp();
  let director: Director;
  let operator: Operator;

  const fileText = (address: string): string =>
    [
      `${comment}servers:`,
      `  web-1: { address: ${address} } # the first`,
      "profiles:",
      "  shop:",
      "    servers: [web-1]",
      "    vnics:",
      `      front: { ip: ${ip}, listeners: [{ port: 8480, mode: redirect }] }`,
      "",
    ].join("\n");

  const tlsd = (line: string, given?: CommandInput): Promise<CommandOutput> =>
    operator.run(line.split(" "), given);

  const revision = async (): Promise<number> => (await director.status()).revision;

  /** Runs a command that must succeed, and returns what it printed. */
  const done = async (line: string, given?: CommandInput): Promise<string> => {
    const { code, out, err } = await tlsd(line, given);
    assert.deepEqual([code, err], [0, ""], `tlsd ${line}: ${out}`);
    return out;
  };

  /** Runs a command that must fail, and returns what it printed. Nothing may have changed. */
  const refused = async (line: string, given?: CommandInput, exitCode = 1): Promise<string> => {
    const old = await revision();
    const { code, out, err } = await tlsd(line, given);
    assert.deepEqual([code, out], [exitCode, ""], `tlsd ${line}: ${err}`);
    assert.equal(await revision(), old);
    return err;
  };

  const inFolder = (name: string): string => join(director.dir, name);

  before(async () => {
    const document = fileText("127.0.0.1");
    director = await startDirector({ document, engine: "node", workers: 1 });
    const { socketPath, dir } = director;
    operator = new Operator({ socketPath, folder: dir });
  });

  it("adds a server, puts it into a profile, and says how to undo it", async () => {
    assert.equal(
      await done("add server web-2 address=192.0.2.2"),
      'Revision 2 is in force.\n  + servers.web-2 {"address":"192.0.2.2"}\nUndo it with `tlsd undo 2`.\n',
    );
    const set = await done("set profile shop servers+=web-2 balance=client-hash");
    assert.match(set, /^Revision 3 is in force\.\n {2}\+ profiles\.shop\.balance "client-hash"\n/);
    assert.match(set, /~ profiles\.shop\.servers: \["web-1"\] -> \["web-1","web-2"\]\n/);
    const again = await done("set profile shop servers+=web-2");
    assert.equal(again, "Nothing to change: revision 3 is in force and has all of this.\n");
    assert.match(await done("set profile shop balance="), /- profiles\.shop\.balance /);
    assert.match(
      await done("show profiles shop"),
      /^shop +web-1, web-2 +- +round-robin +front +servers +-$/m,
    );
  });

  it("keeps every item that several operators add to a list at the same time", async () => {
    const names = ["web-3", "web-4", "web-5"];
    for (const name of names) await done(`add server ${name} address=192.0.2.9`);
    await Promise.all(names.map((name) => done(`set profile shop standby+=${name}`)));
    const { body } = await director.api("/v1/profiles/shop");
    const { standby } = body as { readonly standby: readonly string[] };
    assert.deepEqual(standby.toSorted(), names);
    await done(`set profile shop standby-=${names.join(",")}`);
    for (const name of names) await done(`remove server ${name}`);
  });

  it("opens a listener, and takes a vNIC down while its connections go on", async () => {
    const added = await done(
      "add listener front.shop:8481 mode=redirect to=8443 timeouts.idle=60s",
    );
    assert.match(added, /\nListeners:\n {2}front\.shop:8481 opens\n/);
    const unset = await done("set listener front.shop:8481 timeouts.idle=");
    assert.match(unset, /\n {2}- profiles\.shop\S+\.timeouts \{"idle":"60s"\}\n/);
    assert.match(await done("set listener front.shop:8481 timeouts.idle="), /^Nothing to change: /);
    await done("undo");
    const bare = await done("add listener front.shop:8482 mode=redirect timeouts.idle= --dry-run");
    assert.ok(bare.includes("8482") && !bare.includes("timeouts"), bare);
    const client = await rawConnect({ host: ip, port: 8481 });
    await eventually(async () => (await director.status()).openConnections === 1, noticeMs);
    const inForce = await revision();
    const dry = await done("set vnic front.shop down --dry-run");
    assert.match(dry, new RegExp(`^A dry run on revision ${inForce}: this would change\\.\n`));
    assert.match(dry, / {2}front\.shop:8481 closes; 1 open connection goes on\n/);
    assert.equal(await revision(), inForce);
    assert.match(
      await done("set vnic front.shop down"),
      /8481 closes; 1 open connection goes on\n/,
    );
    await done("wait vnic front.shop down --timeout 10s");
    const late = await refused("wait vnic front.shop up --timeout 1ms");
    assert.match(late, /^tlsd: wait-expired: .* The vnic front\.shop is down\/down\.\n/);
    await client.send("GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n");
    assert.match(await client.read.until("\r\n"), /^HTTP\/1\.1 308 /);
    await done("undo");
    assert.equal(await done("wait vnic front.shop up"), "The vnic front.shop is up.\n");
  });

  it("refuses what cannot be meant, and says what to do", async () => {
    const wrong = await refused("set profile shop servrs+=web-2", {}, 2);
    assert.match(wrong, /^error: A profile has no setting "servrs"\. Did you mean `servers`\?\n/);
    await refused("set vnic front.shop qos.priority=high", {}, 2);
    await refused("set vnic front.shop", {}, 2);
    await refused("undo 2 --to 2", {}, 2);
    const unnamed = await refused("add listener front.shop to=8080", {}, 2);
    assert.match(unnamed, /^error: The name of a listener is <vnic>\.<profile>:<port>, /);
    const known = await refused("add server web-2 address=192.0.2.3");
    assert.match(known, /^tlsd: already-exists: .* There is a server "web-2"\.\n {2}.*tlsd set/);
    const absent = await refused("remove server web-9");
    assert.match(absent, /^tlsd: does-not-exist: .* There is no server "web-9"\.\n/);
    const stale = await refused("set server web-2 address=192.0.2.3 --if-revision 2");
    assert.match(stale, /^tlsd: revision-conflict: .* Revision \d+ is in force; /);
    const bad = await refused("set server web-2 address=somewhere");
    assert.match(bad, /^tlsd: document-invalid: .*\nerror: .*\n +at servers\.web-2\.address\n/);
    const secret = { input: "00123-hunter2" };
    const missing = await refused("add certificate shop chain=no.pem passphrase=-", secret);
    assert.ok(missing.includes(inFolder("no.pem")) && !missing.includes("hunter2"), missing);
    await done(`set server web-2 address=192.0.2.3 --if-revision ${await revision()}`);
  });

  it("remembers who changed what, and why", async () => {
    const because = ["set", "server", "web-2", "address=192.0.2.2", "--reason", "moved\u001b[2J"];
    const { out } = await operator.run(because, { sudoUser: "bob" });
    const number = /^Revision (\d+) /.exec(out)?.[1] ?? "";
    const history = await done("show history --limit 1");
    assert.match(
      history,
      new RegExp(`^ +${number} .* bob as \\S+ +change +moved\\\\u\\{1b\\}\\[2J$`, "m"),
    );
    const shown = await done(`show revision ${number}`);
    assert.match(shown, /~ servers\.web-2\.address: "192\.0\.2\.3" -> "192\.0\.2\.2"\n/);
    const undone = await done(`undo ${number}`);
    assert.match(undone, /~ servers\.web-2\.address: "192\.0\.2\.2" -> "192\.0\.2\.3"\n/);
    const redone = await done(/`tlsd (undo \d+)`/.exec(undone)?.[1] ?? "");
    assert.match(redone, /~ servers\.web-2\.address: "192\.0\.2\.3" -> "192\.0\.2\.2"\n/);
    assert.match(await done("show history"), new RegExp(` undo of ${number} `));
    const same = await done(`undo --to ${number}`);
    assert.match(same, /^Nothing to change: /);
  });

  it("exports the document, shows what a file would change, and applies it", async () => {
    const path = inFolder("exported.yaml");
    const text = await done("export");
    assert.match(text, /^# revision: \d+\n# store: [\w-]+\nservers:\n {2}web-1:\n/);
    await writeFile(path, text.replace("192.0.2.2", "192.0.2.4"));
    const diff = await tlsd(`diff ${path}`);
    const line = '  ~ servers.web-2.address: "192.0.2.2" -> "192.0.2.4"\n';
    assert.deepEqual(diff, { code: 1, out: line, err: "" });
    assert.match(await done(`apply ${path}`), /^Revision \d+ is in force\.\n {2}~ servers\.web-2/);
    assert.deepEqual(await tlsd(`diff ${path}`), { code: 0, out: "", err: "" });
    assert.equal((await tlsd("diff nowhere.yaml")).code, 2);
    // The file was exported from the revision before.
    assert.match(await done(`apply ${path}`), /^Nothing to change: /);
    const again = JSON.parse(await done(`apply ${path} --json`)) as ChangeReply;
    assert.deepEqual([again.changed, again.dryRun], [false, false]);
    await writeFile(path, text.replace("192.0.2.2", "192.0.2.5"));
    assert.match(await refused(`apply ${path}`), /^tlsd: revision-conflict: /);
    await writeFile(path, text.replace("192.0.2.2", "192.0.2.4"));
    const own = await tlsd(`apply ${director.documentPath}`);
    assert.match(own.err, /^tlsd: revision-not-named: .*\n.*tlsd diff FILE.*--force/);
    const withSettings = `director: { workers: 9 }\n${fileText("127.0.0.1")}`;
    const forced = await tlsd("apply - --force --json", { input: withSettings });
    assert.match(forced.err, /^`director:` was left out\./);
    assert.equal((JSON.parse(forced.out) as ChangeReply).difference.changes.length, 3);
    assert.match(await done("undo"), /\+ servers\.web-2 /);
  });

  it("prints no secret, and keeps one whose fingerprint comes back", async () => {
    const passphrase = "00123-hunter2";
    const ca = await createTestCa();
    const issued = await ca.issue({ names: ["shop.example"] });
    const key = issued.encryptedKeyPem(passphrase);
    await writeFiles(director.dir, { "shop.pem": issued.chainPem, "shop.key": key });
    const texts = [
      await done("add certificate shop chain=shop.pem key=shop.key passphrase=-", {
        input: passphrase,
      }),
      await done("show history --json"),
      await done(`show revision ${await revision()}`),
      await done("show document"),
      await done("export"),
    ];
    const exported = texts.at(-1) ?? "";
    assert.match(exported, /passphrase: secret:hmac-sha256:/);
    assert.match(await done("apply -", { input: exported }), /^Nothing to change: /);
    const renamed = exported.replace("passphrase: secret:", "passphrase: secret:x");
    const unknown = await tlsd("apply -", { input: renamed });
    texts.push(unknown.out, unknown.err, await done("remove certificate shop"), await done("undo"));
    for (const text of texts) assert.ok(!text.includes("hunter2"), text);
    assert.match(texts.at(-1) ?? "", /\+ certificates\.shop /);
    await done("remove certificate shop");
  });

  it("edits the document in an editor, and loses no text that is refused", async () => {
    const replace =
      (from: string, to: string) =>
      async (path: string): Promise<number> => {
        assert.equal((await stat(path)).mode & 0o777, 0o600);
        await writeFile(path, (await readFile(path, "utf8")).replaceAll(from, to));
        return 0;
      };
    assert.match(await done("edit", { editor: () => Promise.resolve(0) }), /nothing is applied/);
    const unchanged = await done("edit --json", { editor: () => Promise.resolve(0) });
    const facts = { revision: await revision(), changed: false };
    assert.deepEqual(JSON.parse(unchanged), facts);
    const edited = await done("edit", { editor: replace("192.0.2.4", "192.0.2.5") });
    assert.match(edited, /~ servers\.web-2\.address: "192\.0\.2\.4" -> "192\.0\.2\.5"\n/);

    const bad = await refused("edit", { editor: replace("address:", "adress:") });
    assert.match(bad, /^tlsd: document-invalid: .* The edited text is in (\S+)\.\n/);
    const kept = /in (\S+director\.yaml)\./.exec(bad)?.[1] ?? "";
    assert.match(await readFile(kept, "utf8"), /adress: 192\.0\.2\.5/);

    const editors = [replace("192.0.2.5", "nowhere"), replace("nowhere", "192.0.2.6")];
    const mended = await tlsd("edit", {
      editor: (path) => editors.shift()?.(path) ?? Promise.resolve(1),
      answers: [true],
    });
    assert.deepEqual([mended.code, editors.length], [0, 0], mended.err);
    assert.match(mended.err, /^tlsd: document-invalid: /);
    assert.match(mended.out, /-> "192\.0\.2\.6"\n/);

    const { code, err } = await tlsd("edit", {
      editor: async (path) => {
        await done("add server late address=192.0.2.8");
        return replace("192.0.2.6", "192.0.2.7")(path);
      },
    });
    assert.equal(code, 1);
    assert.match(
      err,
      /^tlsd: revision-conflict: .*The edited text is in \S+\. Another change came in/,
    );
    await done("remove server late");
  });

  it("runs as a program: with the editor of the environment, and with a secret in no argument", async () => {
    const env = { TLSD_SOCKET: director.socketPath };
    const EDITOR = "sed -i s/192.0.2.6/192.0.2.7/";
    const edited = await runTlsd(["edit", "--reason", "moved"], { env: { ...env, EDITOR } });
    assert.deepEqual([edited.code, edited.stderr], [0, ""]);
    assert.match(edited.stdout, /-> "192\.0\.2\.7"\nUndo it with `tlsd undo \d+`\.\n$/);
    const args = ["add", "certificate", "shop", "chain=no.pem", "passphrase=-"];
    const { code, stderr } = await runTlsd(args, { env, input: "hunter2\n", cwd: director.dir });
    assert.equal(code, 1);
    assert.ok(stderr.includes(inFolder("no.pem")) && !stderr.includes("hunter2"), stderr);
    const wrong = await runTlsd(["set", "vnic", "front.shop", "ipp=1"], { env });
    assert.deepEqual([wrong.code, wrong.stdout], [2, ""]);
    assert.match(wrong.stderr, /Did you mean `ip`\?/);
    const help = await runTlsd(["set", "listener", "--help"], { env });
    assert.match(help.stdout, /\n {2}timeouts\.idle +Time after which [^]*Default: 300s\./);
  });

  it("serves on after SIGHUP what was changed by commands, and merges it into the file", async () => {
    const from = director.logs.length;
    director.signal("SIGHUP");
    await director.waitForLog((line) => isEvent(line, "document-unchanged"), noticeMs, from);
    assert.match(await done("show status"), /^file +\S+: without the changes made since/m);
    assert.match(await done("show document"), /192\.0\.2\.7/);
    await chmod(director.documentPath, 0o640);
    const merged = await done(`export --into ${director.documentPath}`);
    assert.match(merged, /has the document of revision \d+ now\.\n$/);
    const text = await readFile(director.documentPath, "utf8");
    assert.ok(text.startsWith(`${comment}servers:\n  web-1: { address: 127.0.0.1 } # the first\n`));
    assert.match(text, /web-2/);
    assert.equal((await stat(director.documentPath)).mode & 0o777, 0o640);
    assert.match(await done("reload"), /^Nothing to change: /);
    assert.match(await done("show status"), /^file +\S+: in force$/m);
  });

  it("names the two ways out if file and store were both changed", async () => {
    await done("set server web-2 address=192.0.2.2");
    await writeFile(director.documentPath, fileText("192.0.2.3"));
    const diverged = await refused("reload");
    assert.match(diverged, /^tlsd: document-diverged: .*web-1\.address: /);
    assert.match(diverged, /tlsd reload --force.*tlsd export --into FILE/);
    assert.match(await done("show status"), /^notice .*tlsd reload --force/m);
    const dry = await done("reload --force --dry-run");
    assert.match(dry, /- servers\.web-2 .*\n/);
    assert.match(await done("reload --force"), /~ servers\.web-1\.address: .*-> "192\.0\.2\.3"\n/);
    assert.match(await done("show status"), /^file +\S+: in force$/m);
    assert.match(await done("undo"), /\+ servers\.web-2 /);
  });

  it("applies one state of a file that is replaced while changes are queued", async () => {
    const addresses = ["192.0.2.21", "192.0.2.22"];
    const outcomes = await Promise.all([
      tlsd("reload --force"),
      ...addresses.map(async (address, at) => {
        // A file that is written in place could be read while it is empty.
        const beside = `${director.documentPath}.${at}`;
        await writeFile(beside, fileText(address));
        await rename(beside, director.documentPath);
        return tlsd(at === 0 ? "set profile shop balance=client-hash" : "reload --force");
      }),
    ]);
    assert.deepEqual(
      outcomes.map(({ code }) => code),
      [0, 0, 0],
    );
    await done("reload --force");
    assert.match(await done("show document"), /192\.0\.2\.2[12]/);
    assert.match(await done("show status"), /^file +\S+: in force$/m);
  });

  it("backs up a running director, and restores into its folder when it has stopped", async () => {
    const backup = inFolder("tlsd.backup");
    await done("add server saved address=192.0.2.30");
    const exported = await done("export");
    await writeFile(inFolder("before.yaml"), exported);
    assert.match(await done(`backup ${backup}`), /has the state with its history, \d+ bytes/);
    assert.equal((await stat(backup)).mode & 0o777, 0o600);
    const { out } = await tlsd("backup -");
    assert.match(out, /^\{"tlsdBackup":1,[^]*\n\{"end":\{.*\}\}\n$/);
    const busy = await refused(`restore ${backup} --data ${director.dataDir}`);
    assert.match(busy, /^tlsd: data-locked: /);
    await done("remove server saved");

    await director.stop();
    const missing = await tlsd(`restore no.backup --data ${director.dataDir}`);
    assert.match(missing.err, /^tlsd: file-unreadable: .*no\.backup/);
    const restored = await tlsd(`restore ${backup} --config ${director.documentPath}`);
    assert.deepEqual([restored.code, restored.err], [0, ""]);
    assert.ok(restored.out.startsWith(`${director.dataDir} has revision `), restored.out);
    const document = await readFile(director.documentPath, "utf8");
    director = await startDirector({ document, engine: "node", workers: 1, folder: director.dir });
    assert.match(await done("show document"), /saved/);
    assert.match(await done("show history --limit 128"), /bob as /);
    const other = await refused(`apply ${inFolder("before.yaml")}`);
    assert.match(other, /^tlsd: revision-conflict: .* was exported from another store/);
    await done("undo");
  });
});
