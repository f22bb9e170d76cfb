import type { Notices } from "#control/notice.ts";
import { confineTo, type Confinement } from "./confine-workers.ts";
import type { SystemUser } from "./system-user.ts";

export interface WorkerUserOptions {
  readonly own: Confinement;
  /** As which user other processes hold the addresses now; undefined where none do, or as the same user. */
  readonly holder: SystemUser | undefined;
  /** Whether a process that holds addresses may still run as that user. */
  readonly isHeld: () => boolean;
  readonly notices: Notices;
}

const BORROWED = "worker-user-borrowed";

/**
 * As which user workers start. Processes share an address by SO_REUSEPORT only if they have the same uid: while workers
 * that a killed director has left hold the addresses under another one, new workers start under theirs.
 */
export class WorkerUser {
  readonly #options: WorkerUserOptions;
  #borrowed: SystemUser | undefined;

  constructor(options: WorkerUserOptions) {
    this.#options = options;
    this.#borrow(options.holder);
  }

  /** What stands before the engine on the command line of the next worker. */
  get prefix(): readonly string[] {
    if (this.#borrowed !== undefined && !this.#options.isHeld()) this.#borrow(undefined);
    const { own } = this.#options;
    return (this.#borrowed === undefined ? own : confineTo(this.#borrowed)).prefix;
  }

  get isBorrowed(): boolean {
    return this.#borrowed !== undefined;
  }

  /** From now on workers start as their own user. Gives what takes that back. */
  takeOwn(): () => void {
    const before = this.#borrowed;
    this.#borrow(undefined);
    return () => this.#borrow(before);
  }

  #borrow(user: SystemUser | undefined): void {
    this.#borrowed = user;
    const { own, notices } = this.#options;
    if (user === undefined) return notices.clear(BORROWED);
    notices.raise({
      event: BORROWED,
      text:
        `Workers run as ${user.name} instead of ${own.user?.name} (director.workerUser), because workers of an earlier director ` +
        "still use the addresses. SIGUSR2 changes this when those workers have exited.",
    });
  }
}
