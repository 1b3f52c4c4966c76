import { validationError, PublicError, type AppError } from "../../kit/errors.ts";
import type { PageProblemCode } from "../constants.ts";

/** Problems that may pass: the page keeps its rows, and the next refresh tries it again. */
const passing: ReadonlySet<PageProblemCode> = new Set(["rate_limited", "unavailable", "timed_out", "unreachable"]);

/** A page that cannot be read. The message is a sentence for the owner, without text of the host. */
export class PageError extends PublicError {
  override readonly name = "PageError";
  readonly code: PageProblemCode;
  /** Seconds that the host asks to wait. */
  readonly waitSeconds: number | null;

  constructor(
    code: PageProblemCode,
    message: string,
    { waitSeconds = null, cause }: { waitSeconds?: number | null; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.code = code;
    this.waitSeconds = waitSeconds;
  }

  /** Whether the page may be there again later. */
  get isPassing(): boolean {
    return passing.has(this.code);
  }

  override get failure(): AppError {
    return validationError([{ path: "url", in: "body", message: this.message }]);
  }
}
