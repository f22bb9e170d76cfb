import type { Notices } from "#control/notice.ts";
import { confineTo, type Confinement } from "./confine-workers.ts";
import type { SystemUser } from "./system-user.ts";

export interface WorkerUserOptions {
  readonly own: Confinement;
  /** The user of other processes that use the addresses now. Undefined if there are none, or if it is the same user. */
  readonly holder: SystemUser | undefined;
  /** Returns true while a process that uses the addresses may still run as that user. */
  readonly isHeld: () => boolean;
  readonly notices: Notices;
}

const BORROWED = "worker-user-borrowed";

/**
 * The user that workers start as. Processes can share an address by SO_REUSEPORT only if they have the same uid. While the
 * workers of a killed director use the addresses as another user, new workers start as that user.
 */
export class WorkerUser {
  readonly #options: WorkerUserOptions;
  #borrowed: SystemUser | undefined;

  constructor(options: WorkerUserOptions) {
    this.#options = options;
    this.#borrow(options.holder);
  }

  /** The part of the next worker's command line before the engine. */
  get prefix(): readonly string[] {
    if (this.#borrowed !== undefined && !this.#options.isHeld()) this.#borrow(undefined);
    const { own } = this.#options;
    return (this.#borrowed === undefined ? own : confineTo(this.#borrowed)).prefix;
  }

  get isBorrowed(): boolean {
    return this.#borrowed !== undefined;
  }

  /** Makes further workers start as their own user. Returns a function that reverts this. */
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
