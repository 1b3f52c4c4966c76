import * as z from "zod";
import { defineJob } from "../kit/queue/outbox.ts";
import { Id } from "../kit/http/zod-schemas.ts";

const User = z.object({ user_id: Id });

/** Sends a user the verification mail. */
export const sendVerificationJob = defineJob("prove-address", User);

/** Sends the password reset mail to an email address, if it has an account. */
export const sendResetJob = defineJob("begin-reset", z.object({ email: z.string() }));

/** Deletes all data of a user whose account was deleted. `names` are the user's former sign-in names. */
export const eraseAccount = defineJob("erase-account", User.extend({ names: z.array(z.string().nullable()) }));
