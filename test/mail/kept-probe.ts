import { withMailbox } from "../../dev/wrangler/mailbox/handlers.ts";
import probe from "./probe.ts";

/** The same Worker with a mailbox, as development has it. */
export * from "./probe.ts";
export default withMailbox(probe);
