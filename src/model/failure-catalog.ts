/** Which side caused the failure. */
export type FailureSource = "client" | "endpoint" | "director" | "operator";

interface FailureEntry {
  readonly source: FailureSource;
  /** HTTP status of an API reply. */
  readonly status: number;
  readonly text: string;
  /** What to do next. */
  readonly hint: string;
}

const entry = (
  source: FailureSource,
  status: number,
  text: string,
  hint: string,
): FailureEntry => ({
  source,
  status,
  text,
  hint,
});

/** Every failure of commands and of the API, by code. Codes are stable and never reused. */
export const FAILURES = {
  "document-unreadable": entry(
    "operator",
    400,
    "The document cannot be read.",
    "Check the path, its permissions and the YAML syntax.",
  ),
  "document-empty": entry(
    "operator",
    422,
    "The text is empty, so nothing was changed.",
    "An empty document, which removes everything, is written as {}.",
  ),
  "document-invalid": entry(
    "operator",
    422,
    "The document has problems.",
    "Correct every problem in the list. `tlsd check FILE` shows those of a file.",
  ),
  "data-locked": entry(
    "operator",
    409,
    "Another director uses the data folder.",
    "Stop it, or give this director another folder with --data.",
  ),
  "data-unusable": entry(
    "operator",
    500,
    "The data folder cannot be used.",
    "Make sure that the folder exists and belongs to the user who runs the director.",
  ),
  "state-unwritable": entry(
    "operator",
    500,
    "The change could not be saved.",
    "Make room on the disk of the data folder. The previous document stays in force.",
  ),
  "open-files-too-few": entry(
    "operator",
    500,
    "The open-file limit is too low to run a director.",
    "Raise it with `ulimit -n`, or with LimitNOFILE in the systemd unit.",
  ),
  "system-exhausted": entry(
    "operator",
    503,
    "The system has no resources left to run another program.",
    "The detail says what is used up: open files, processes or memory.",
  ),
  "address-in-use": entry(
    "operator",
    409,
    "Another program uses the port.",
    "Stop that program, or use another port. `ss -ltnp` shows which program listens.",
  ),
  "address-not-available": entry(
    "operator",
    409,
    "This machine does not have the address.",
    "Add it with `ip address add`, or set net.ipv4.ip_nonlocal_bind=1.",
  ),
  "address-not-permitted": entry(
    "operator",
    409,
    "The director may not listen on the port.",
    "Ports under 1024 need root or CAP_NET_BIND_SERVICE.",
  ),
  "engine-missing": entry(
    "operator",
    409,
    "The engine is not installed.",
    "Run `npm ci` without --omit=optional, or choose another engine with --engine.",
  ),
  "engine-lacks-suite-choice": entry(
    "operator",
    422,
    "Engine bun cannot choose among the TLS 1.3 suites.",
    "List all three suites, or run the workers with --engine node.",
  ),
  "engine-lacks-key": entry(
    "operator",
    422,
    "Engine bun cannot serve a certificate.",
    "Have it issued for another type of key, or run the workers with --engine node.",
  ),
  "listener-unusable": entry(
    "operator",
    422,
    "A listener cannot be set up.",
    "See the detail. The previous document stays in force.",
  ),
  "change-too-large": entry(
    "operator",
    422,
    "The document is too large for a worker.",
    "Remove certificates or listeners: the configuration of a worker must fit into 256 MiB.",
  ),
  "worker-refused": entry(
    "director",
    500,
    "A worker refused the change.",
    "See the detail. The previous document stays in force.",
  ),
  "worker-failed": entry(
    "director",
    500,
    "A worker could not be started.",
    "See its last output in the log.",
  ),
  draining: entry(
    "operator",
    503,
    "The director is draining.",
    "It accepts no more changes. Send them to the director that replaces it.",
  ),
  "too-many-changes": entry(
    "operator",
    429,
    "Too many changes are waiting.",
    "Try again when the changes before it are done.",
  ),
  "revision-gone": entry(
    "operator",
    410,
    "The revision is not kept any more.",
    "`tlsd show history` lists the revisions that are kept.",
  ),
  "state-too-new": entry(
    "operator",
    500,
    "A newer version of the program wrote the state.",
    "Start that version, or give this one another folder with --data.",
  ),
  "precondition-required": entry(
    "operator",
    428,
    "The request must say which state it is about.",
    "Read the document, and send the ETag of the reply as If-Match. `If-Match: *` accepts any state.",
  ),
  "revision-not-named": entry(
    "operator",
    428,
    "The file does not say which revision it was made from.",
    "See what it would change with `tlsd diff FILE`. Then apply it with --force, or with --if-revision and the revision in force.",
  ),
  "already-exists": entry(
    "operator",
    412,
    "The resource exists already.",
    "Use another name, or change the existing one with `tlsd set`; in the API, with If-Match instead of If-None-Match.",
  ),
  "does-not-exist": entry(
    "operator",
    412,
    "The resource does not exist.",
    "Check the spelling, or add it with `tlsd add`; in the API, with If-None-Match instead of If-Match.",
  ),
  "unsupported-media-type": entry(
    "operator",
    415,
    "The body has another media type than the resource accepts.",
    "Send application/json with PUT and POST, and application/merge-patch+json with PATCH.",
  ),
  "document-too-large": entry(
    "operator",
    413,
    "The document is too large.",
    "Divide the fleet among several directors.",
  ),
  "check-failed": entry(
    "director",
    503,
    "The document could not be checked.",
    "Nothing was changed. The detail says why. A smaller document needs less time and memory, and so does a machine with less other work.",
  ),
  "body-too-large": entry(
    "operator",
    413,
    "The body is too large.",
    "A document may have 16 MiB, every other body 1 MiB.",
  ),
  "undo-conflict": entry(
    "operator",
    409,
    "What the revision changed has been changed since.",
    "Take back the revisions that are named first, change the document as you want it, or restore a whole revision with `tlsd undo --to REVISION`.",
  ),
  "nothing-to-undo": entry(
    "operator",
    409,
    "There is no change to undo.",
    "`tlsd show history` lists the revisions. `tlsd undo REVISION` takes back an undo.",
  ),
  "document-diverged": entry(
    "operator",
    409,
    "The file and the store have changed in different ways.",
    "Apply the file with `tlsd reload --force`, or bring it up to date with `tlsd export --into FILE`.",
  ),
  "no-document-file": entry(
    "operator",
    409,
    "The director was started without a file of the document.",
    "Apply a document with `tlsd apply FILE`, or start the director with --config.",
  ),
  "client-gone": entry(
    "client",
    400,
    "The client closed the connection before the change started.",
    "Nothing was changed. Send the request again.",
  ),
  "outcome-unknown": entry(
    "director",
    504,
    "It is not known whether the change was made.",
    "`tlsd show history` tells it. Look at the revision in the message.",
  ),
  "state-damaged": entry(
    "operator",
    500,
    "The state is damaged.",
    "Restore a backup of the state, or give the director another folder with --data.",
  ),
  "master-key-wrong": entry(
    "operator",
    500,
    "The master key is missing, or it is not the one that the private keys were sealed with.",
    "Put the right master key in its place and restart the director. The message says where it is expected.",
  ),
  "sealed-key-damaged": entry(
    "operator",
    500,
    "A sealed private key cannot be opened.",
    "Import the certificate with its key again, or restore a backup of the state.",
  ),
  "backup-unusable": entry(
    "operator",
    422,
    "The backup cannot be restored.",
    "Take another backup. The state is as it was before.",
  ),
  "backup-incomplete": entry(
    "director",
    500,
    "The backup ended before its last line.",
    "Try again. The log of the director says why.",
  ),
  "file-unwritable": entry(
    "operator",
    500,
    "The file cannot be written.",
    "Check the path, its permissions and the room on its disk. An existing file is as it was.",
  ),
  "file-unreadable": entry(
    "operator",
    500,
    "The file cannot be read.",
    "Check the path and its permissions.",
  ),
  "output-unwritable": entry(
    "operator",
    500,
    "Standard output cannot be written, so the output is incomplete.",
    "Check the room on the disk of the file that it goes to. `tlsd show history` shows whether a change was made.",
  ),
  "editor-failed": entry(
    "operator",
    500,
    "The editor failed, so nothing was changed.",
    "Set VISUAL or EDITOR to the command of an editor.",
  ),
  "wait-expired": entry(
    "operator",
    504,
    "What was waited for did not happen in time.",
    "`tlsd show vnics` and the log say why. --timeout sets how long to wait.",
  ),
  "revision-conflict": entry(
    "operator",
    412,
    "The document was changed meanwhile.",
    "Look at the revision that is in force, and make the change anew from it.",
  ),
  "certificate-refused": entry(
    "operator",
    422,
    "The certificate cannot be used, so nothing was changed.",
    "Correct what the problems name. `tlsd rotate certificate --help` lists what may be allowed.",
  ),
  "files-source": entry(
    "operator",
    409,
    "The versions of this certificate come from files.",
    "Write the new certificate and key to these files, and the director uses them. `tlsd import certificate NAME --replace-files` keeps it in the inventory from then on.",
  ),
  "no-version": entry(
    "operator",
    404,
    "There is no such version of the certificate.",
    "`tlsd show certificate NAME` lists the versions that are kept.",
  ),
  "not-found": entry(
    "operator",
    404,
    "Not found.",
    "Check the spelling. `tlsd show` lists the names that exist.",
  ),
  "method-not-allowed": entry(
    "operator",
    405,
    "The resource does not support this method.",
    "The Allow header of the reply lists the supported methods.",
  ),
  "not-ready": entry(
    "director",
    503,
    "The director is not ready yet.",
    "Wait until a worker serves. `tlsd show workers` and the log show what it is waiting for.",
  ),
  "bad-request": entry(
    "operator",
    400,
    "The request is not valid.",
    "The message says which part is wrong.",
  ),
  "not-on-standby": entry(
    "operator",
    409,
    "The profile is not on standby.",
    "`tlsd show profiles` says which profiles standby servers serve.",
  ),
  "servers-not-up": entry(
    "operator",
    409,
    "No server of the profile can serve it, so the standby servers go on.",
    "`tlsd show servers` says why. The profile can be given back when a server is up.",
  ),
  "filter-missing": entry(
    "operator",
    400,
    "Connections are cut only with a filter.",
    "Give at least one of vnic, listener, server and client. `tlsd show connections` lists what is open.",
  ),
  "too-many-requests": entry(
    "operator",
    429,
    "Too many requests of this kind are waiting.",
    "Try again when the requests before it are done.",
  ),
  "director-unreachable": entry(
    "operator",
    503,
    "No director answers on the admin socket.",
    "Start one with `tlsd serve`, or name its socket with --socket or TLSD_SOCKET.",
  ),
  "reply-late": entry(
    "director",
    504,
    "The director did not reply in time.",
    "It may still be working on it. `tlsd show status` shows the revision in force.",
  ),
  "permission-denied": entry(
    "operator",
    403,
    "You have no permission to open the admin socket.",
    "Run the command as the user that runs the director, or as root.",
  ),
  "old-runtime": entry(
    "operator",
    500,
    "This needs Node 26.",
    "Run `npm ci` (or install the program again) without --omit=optional, or install Node 26.",
  ),
  "runtime-broken": entry(
    "operator",
    500,
    "The Node that comes with the program does not start.",
    "Install the library that the message names, or install Node 26 by other means.",
  ),
  "demo-failed": entry("director", 500, "The demo cannot be set up.", "See the detail."),
  internal: entry(
    "director",
    500,
    "The director had an internal error.",
    "Report it with the lines of the log around it.",
  ),
} as const satisfies Readonly<Record<string, FailureEntry>>;
