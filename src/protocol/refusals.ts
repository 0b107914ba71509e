/**
 * Everything the service refuses, in one place: what the client reads (PROTOCOL: refusals), never a stack or
 * an internal detail. A `ChatError` thrown by an event handler or a route becomes the error envelope.
 */

/** What a client is told: a sentence to show or match on, and an HTTP status as its class. */
export interface Refusal {
  readonly message: string;
  readonly status: number;
}

export const REFUSALS = {
  /** The payload of `new_message` fails its schema; `errors` has one line per violation, 10 at most. */
  messageNotValid: { message: "Incoming message is not valid", status: 404 },
  /** The payload of `new_presence_information` fails its schema. */
  userInfoNotValid: { message: "Incoming user info is not valid", status: 404 },
  /** The payload of `new_typing_information` fails its schema. */
  typingInfoNotValid: { message: "Incoming typing info is not valid", status: 404 },
  /** The `auth` of the handshake fails its schema; comes as `connect_error` with status and errors in `data`. */
  handshakeNotValid: { message: "Handshake is not valid", status: 400 },
  /** The room named in a message, in presence or in a path is not one of the server's. */
  unknownRoom: { message: "Chat room does not exist", status: 404 },
  /** More events than the connection's rate limit allows. */
  tooManyRequests: { message: "Too many requests", status: 429 },
  /** The message log cannot store now; the message was not delivered, and may be sent again. */
  messageNotStored: { message: "Message could not be stored", status: 503 },
  /** An acked message with the uuid of an earlier one, but another text. */
  uuidAlreadyUsed: { message: "Message uuid was already used", status: 409 },
  /** A token of another user, or of other rooms, than what is sent or asked for. */
  notAllowed: { message: "Not allowed", status: 403 },
  /** An event the server does not know; told only to who passed a callback, because each one gets an answer. */
  unknownEvent: { message: "Event is not known", status: 404 },
  /** The server failed; the reason stands in its log. */
  internal: { message: "Internal server error", status: 500 },
  /** HTTP: no such path. */
  notFound: { message: "Not found", status: 404 },
  /** HTTP: the path exists, the method does not; `Allow` lists those that do. */
  methodNotAllowed: { message: "Method not allowed", status: 405 },
  /** HTTP: a request that cannot be read: bad escapes, bad header, bad parameter. */
  badRequest: { message: "Bad request", status: 400 },
  /** HTTP: `limit` is not a whole number from 1 to 200, or both `before` and `after` were given. */
  badPage: { message: "Page is not valid", status: 400 },
  /** HTTP: the offset names no message that is kept. */
  unknownOffset: { message: "Offset is not known", status: 400 },
  /** HTTP: the message log cannot read now. */
  historyNotReadable: { message: "History could not be read", status: 503 },
  /** HTTP: an origin that is not on the list. */
  originNotAllowed: { message: "Origin is not allowed", status: 403 },
  /** HTTP: the server, or this address, has all the connections it may have. */
  tooManyConnections: { message: "Too many connections", status: 503 },
  /** No token, or one that does not verify: as `connect_error`, on an event after its expiry, and over HTTP. */
  unauthorized: { message: "Unauthorized", status: 401 },
  /**
   * HTTP: the server is starting, draining or without its store; `errors` of `/readyz` names which. Handshake:
   * the keys that tokens are verified with cannot be had.
   */
  notReady: { message: "Service is not ready", status: 503 },
} as const satisfies Record<string, Refusal>;

/** Body of every refusal, on the socket and over HTTP. */
export interface ErrorEnvelope {
  data: null;
  error: {
    /** One of a fixed list: to show, or to match on. */
    message: string;
    /**
     * An HTTP status, also on the socket.
     * @asType integer
     */
    status: number;
    /** What is wrong with the payload, one line each, or empty. */
    errors: string[];
  };
}

export class ChatError extends Error {
  readonly status: number;
  readonly errors: readonly string[];

  constructor(refusal: Refusal, errors: readonly string[] = []) {
    super(refusal.message);
    this.name = "ChatError";
    this.status = refusal.status;
    this.errors = errors;
  }

  toEnvelope(): ErrorEnvelope {
    return { data: null, error: { message: this.message, status: this.status, errors: [...this.errors] } };
  }
}

/** Whatever was thrown, as what a client may see of it. */
export function toChatError(thrown: unknown): ChatError {
  return thrown instanceof ChatError ? thrown : new ChatError(REFUSALS.internal);
}
