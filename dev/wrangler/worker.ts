import worker from "../../src/index.ts";
import { withMailbox } from "./mailbox/handlers.ts";

/** The Worker of development: the one of production, and a mailbox for what it would mail. */
export * from "../../src/index.ts";
export default withMailbox(worker);
