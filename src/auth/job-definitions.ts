import * as z from "zod";
import { defineJob } from "../kit/queue/outbox.ts";
import { Id } from "../kit/http/zod-schemas.ts";

const User = z.object({ user_id: Id });

/** Mails a user the link that proves their address. */
export const sendVerificationJob = defineJob("prove-address", User);

/** Mails whoever has this address the link that lets them choose a new password, if anybody has. */
export const sendResetJob = defineJob("begin-reset", z.object({ email: z.string() }));

/** Destroys all that is held of a user who has left. `names` are those by which they signed in, and are theirs no more. */
export const eraseAccount = defineJob("erase-account", User.extend({ names: z.array(z.string().nullable()) }));
