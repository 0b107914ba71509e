/*
 * The catalogue of refusals. A `ChatError` that an event handler or a route throws becomes the error envelope.
 * Clients never receive a stack or an internal detail.
 */

export interface Refusal {
  /** Sent to the client: a sentence to show, or to match on. */
  readonly message: string;
  /** Sent to the client: an HTTP status, also for events. */
  readonly status: number;
  /** When the server refuses with it. For the documents only; it is never sent to a client. */
  readonly description: string;
}

export const REFUSALS = {
  messageNotValid: {
    message: "Incoming message is not valid",
    status: 404,
    description:
      "The payload of `new_message` fails its schema; `errors` has one line per violation, 10 at most.",
  },
  userInfoNotValid: {
    message: "Incoming user info is not valid",
    status: 404,
    description: "The payload of `new_presence_information` fails its schema.",
  },
  typingInfoNotValid: {
    message: "Incoming typing info is not valid",
    status: 404,
    description: "The payload of `new_typing_information` fails its schema.",
  },
  handshakeNotValid: {
    message: "Handshake is not valid",
    status: 400,
    description:
      "The `auth` of the handshake fails its schema. Sent as `connect_error`, with status and errors in `data`.",
  },
  unknownRoom: {
    message: "Chat room does not exist",
    status: 404,
    description: "The room named in a message, in presence or in a path is not one of the server's.",
  },
  tooManyRequests: {
    message: "Too many requests",
    status: 429,
    description: "The connection sent more events, or the address more requests, than its rate limit allows.",
  },
  messageNotStored: {
    message: "Message could not be stored",
    status: 503,
    description:
      "The message log cannot store messages now. The message was not delivered; the client may send it again.",
  },
  uuidAlreadyUsed: {
    message: "Message uuid was already used",
    status: 409,
    description: "A message with a callback has the uuid of an earlier one, but another text.",
  },
  notAllowed: {
    message: "Not allowed",
    status: 403,
    description: "The token belongs to another user, or does not include the room.",
  },
  unknownEvent: {
    message: "Event is not known",
    status: 404,
    description:
      "The server does not know the event. Sent only to a callback; without one there is no answer.",
  },
  internal: {
    message: "Internal server error",
    status: 500,
    description: "The server failed; its log has the reason.",
  },
  notFound: {
    message: "Not found",
    status: 404,
    description: "HTTP: the path does not exist.",
  },
  methodNotAllowed: {
    message: "Method not allowed",
    status: 405,
    description: "HTTP: the path exists, but not for this method; `Allow` lists the methods that it has.",
  },
  badRequest: {
    message: "Bad request",
    status: 400,
    description: "HTTP: the request cannot be read, because of a bad escape, header or parameter.",
  },
  badPage: {
    message: "Page is not valid",
    status: 400,
    description: "HTTP: `limit` is not a whole number from 1 to 200, or both `before` and `after` are given.",
  },
  unknownOffset: {
    message: "Offset is not known",
    status: 400,
    description: "HTTP: the offset names no message that is kept.",
  },
  historyNotReadable: {
    message: "History could not be read",
    status: 503,
    description: "HTTP: the message log cannot be read now.",
  },
  originNotAllowed: {
    message: "Origin is not allowed",
    status: 403,
    description: "HTTP: the request comes from a page of an origin that is not on the list.",
  },
  tooManyConnections: {
    message: "Too many connections",
    status: 503,
    description: "HTTP: the server, or this address, has reached its limit of open connections.",
  },
  unauthorized: {
    message: "Unauthorized",
    status: 401,
    description:
      "There is no valid token: in the handshake, in an HTTP request, or on an event after the token expired.",
  },
  notReady: {
    message: "Service is not ready",
    status: 503,
    description:
      "HTTP: the server is starting, draining or without its store; `errors` of `/readyz` names the part. " +
      "Handshake: the keys that verify tokens cannot be fetched.",
  },
} as const satisfies Record<string, Refusal>;

/** What is sent for a refusal, over HTTP and on the socket. */
export interface ErrorEnvelope {
  data: null;
  error: {
    /** One of a fixed list: a sentence to show, or to match on. */
    message: string;
    /**
     * An HTTP status, also on the socket.
     * @asType integer
     */
    status: number;
    /** One line per violation of the payload's schema, or per part that is not ready; often empty. */
    errors: string[];
  };
}

/** An error that a client may see. */
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

/** Returns a ChatError as it is, and `internal` for everything else. */
export function toChatError(thrown: unknown): ChatError {
  return thrown instanceof ChatError ? thrown : new ChatError(REFUSALS.internal);
}
