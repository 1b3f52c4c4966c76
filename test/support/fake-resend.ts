import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { listen } from "../../dev/listen.ts";

/** A mail that was taken, as it was posted. */
export type SentMail = { from: string; to: string; subject: string; text: string; html?: string };

export type FakeResend = {
  /** What `RESEND_URL` is to be. */
  url: string;
  /** The mails that were taken, oldest first: one for each idempotency key. */
  mails: SentMail[];
  /** Requests to send a mail so far, whatever came of them. */
  requests(): number;
  /** Refuses the next request with a status of its own. */
  failNext(status: 429 | 500): void;
  /** Takes this long over the next request, in milliseconds; its mail is taken even if the client has left. */
  delayNext(ms: number): void;
  close(): Promise<void>;
};

type Answer = { status: number; body: unknown; headers?: Record<string, string> };

/** What a failure says beside its status: a client of ours must never see it. */
export const vendorWords = "words of the vendor";

const refusal = (status: number, name: string, headers: Record<string, string> = {}): Answer => ({
  status,
  body: { statusCode: status, name, message: `${vendorWords}: ${name}` },
  headers,
});

/** A server that answers `POST /emails` as Resend does (https://resend.com/docs/api-reference/errors). */
export async function startFakeResend(apiKey: string): Promise<FakeResend> {
  const mails: SentMail[] = [];
  const answered = new Map<string, { payload: string; answer: Answer | undefined }>();
  let requests = 0;
  let failure: Answer | undefined;
  let delayMs = 0;

  async function receive(payload: string, ms: number): Promise<Answer> {
    await sleep(ms);
    const mail = parse(payload);
    if (mail === undefined) return refusal(422, "missing_required_field");
    mails.push(mail);
    return { status: 200, body: { id: crypto.randomUUID() } };
  }

  async function answer(request: IncomingMessage): Promise<Answer> {
    const { authorization, "idempotency-key": key, "user-agent": agent } = request.headers;
    const payload = await text(request);
    if (agent === undefined) return { status: 403, body: "error code: 1010" };
    if (authorization === undefined) return refusal(401, "missing_api_key");
    if (authorization !== `Bearer ${apiKey}`) return refusal(403, "invalid_api_key");
    if (request.url !== "/emails") return refusal(404, "not_found");
    if (request.method !== "POST") return refusal(405, "method_not_allowed");
    requests += 1;
    const [refused, ms] = [failure, delayMs];
    [failure, delayMs] = [undefined, 0];
    if (refused !== undefined) return refused;
    if (typeof key !== "string") return receive(payload, ms);
    if (key.length < 1 || key.length > 256) return refusal(400, "invalid_idempotency_key");
    const known = answered.get(key);
    if (known !== undefined) {
      if (known.payload !== payload) return refusal(409, "invalid_idempotent_request");
      return known.answer ?? refusal(409, "concurrent_idempotent_requests");
    }
    const entry: { payload: string; answer: Answer | undefined } = { payload, answer: undefined };
    answered.set(key, entry);
    const taken = await receive(payload, ms);
    if (taken.status === 200) entry.answer = taken;
    else answered.delete(key);
    return taken;
  }

  const server = createServer((request, response) => void answer(request).then((result) => reply(response, result)));
  const { host, close } = await listen(server);
  return {
    url: `http://${host}`,
    mails,
    requests: () => requests,
    failNext: (status) => {
      failure =
        status === 429 ? refusal(429, "rate_limit_exceeded", { "retry-after": "1" }) : refusal(500, "application_error");
    },
    delayNext: (ms) => (delayMs = ms),
    close,
  };
}

function parse(payload: string): SentMail | undefined {
  try {
    const mail = JSON.parse(payload) as Partial<SentMail>;
    const isWhole = [mail.from, mail.to, mail.subject, mail.text].every((field) => typeof field === "string" && field !== "");
    return isWhole ? (mail as SentMail) : undefined;
  } catch {
    return undefined;
  }
}

function reply(response: ServerResponse, { status, body, headers }: Answer): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}
