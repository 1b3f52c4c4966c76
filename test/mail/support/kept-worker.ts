import { withMailbox } from "../../../dev/wrangler/mailbox/handlers.ts";
import probe from "./worker.ts";

/** The same Worker with a mailbox, as development has it. */
export * from "./worker.ts";
export default withMailbox(probe);
