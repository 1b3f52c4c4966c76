import { PGlite, type ExecProtocolOptionsStream, type Results } from "@electric-sql/pglite";

/** Frontend messages of the extended protocol: after one of these, the exchange goes on until Sync. */
const EXCHANGE_GOES_ON = new Set(Buffer.from("PBDECFH"));
const SYNC = Buffer.from("S\0\0\0\x04");

/**
 * A PGlite that several connections may share through pglite-socket.
 *
 * PGlite is one session. pglite-socket serves its connections a message at a time, and lets one of them keep its turn only
 * inside a transaction, so another's Parse can slip in between this one's Parse and Bind, and the first gets the other's
 * rows. Reporting an unfinished exchange as a transaction makes it keep the turn until Sync.
 *
 * What a session holds is still shared: settings, temporary tables, prepared statements that have a name, advisory locks
 * of the session.
 */
export class SharedPGlite extends PGlite {
  /** Called when the engine itself fails (not a statement): it answers nothing after that. */
  onCrash: () => void = () => {};
  #exchangeOpen = false;

  override isInTransaction(): boolean {
    return this.#exchangeOpen || super.isInTransaction();
  }

  override async execProtocolRawStream(message: Uint8Array, options: ExecProtocolOptionsStream): Promise<void> {
    this.#exchangeOpen = EXCHANGE_GOES_ON.has(message[0] ?? 0);
    try {
      await super.execProtocolRawStream(message, options);
    } catch (error) {
      this.onCrash();
      throw error;
    }
  }

  /** pglite-socket calls this with ROLLBACK when a connection ends inside its turn; after an error Postgres ignores all but Sync. */
  override async exec(...args: Parameters<PGlite["exec"]>): Promise<Results[]> {
    if (this.#exchangeOpen) {
      this.#exchangeOpen = false;
      await this.execProtocolRaw(SYNC);
    }
    return super.exec(...args);
  }
}
