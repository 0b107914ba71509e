export interface Refusal {
  readonly message: string; // sent to the client: a sentence to show, or to match on
  readonly status: number; // sent to the client: an HTTP status, also for events
  readonly description: string; // when the server refuses with it; for the documents only, never sent
}

/** All refusals. Clients never receive a stack or an internal detail. */
export const REFUSALS = {
  messageNotValid: refusal(404, "Incoming message is not valid").when("`new_message` fails its schema."),
  userInfoNotValid: refusal(404, "Incoming user info is not valid").when("Presence fails its schema."),
  typingInfoNotValid: refusal(404, "Incoming typing info is not valid").when("Typing fails its schema."),
  handshakeNotValid: refusal(400, "Handshake is not valid").when("The handshake's `auth` fails its schema."),
  unknownRoom: refusal(404, "Chat room does not exist").when("The named room is not one of the server's."),
  tooManyRequests: refusal(429, "Too many requests").when("The connection or address exceeds a rate limit."),
  messageNotStored: refusal(503, "Message could not be stored").when(
    "The message log cannot store messages now. The message was not delivered; the client may send it again.",
  ),
  uuidAlreadyUsed: refusal(409, "Message uuid was already used").when("The uuid belongs to another text."),
  notAllowed: refusal(403, "Not allowed").when("The token is of another user, or does not include the room."),
  unknownEvent: refusal(404, "Event is not known").when(
    "The server does not know the event. Sent only to a callback; without one there is no answer.",
  ),
  internal: refusal(500, "Internal server error").when("The server failed; its log has the reason."),
  notFound: refusal(404, "Not found").when("HTTP: the path does not exist."),
  methodNotAllowed: refusal(405, "Method not allowed").when("HTTP: the path has other methods (`Allow`)."),
  badRequest: refusal(400, "Bad request").when("HTTP: a bad escape, header or parameter in the request."),
  badPage: refusal(400, "Page is not valid").when(
    "HTTP: `limit` is not a whole number from 1 to 200, or both `before` and `after` are given.",
  ),
  unknownOffset: refusal(400, "Offset is not known").when("HTTP: the offset names no message that is kept."),
  historyNotReadable: refusal(503, "History could not be read").when("HTTP: the log cannot be read now."),
  originNotAllowed: refusal(403, "Origin is not allowed").when("HTTP: the page's origin is not on the list."),
  tooManyConnections: refusal(503, "Too many connections").when("HTTP: the server or the address is full."),
  unauthorized: refusal(401, "Unauthorized").when(
    "There is no valid token: in the handshake, in an HTTP request, or on an event after the token expired.",
  ),
  notReady: refusal(503, "Service is not ready").when(
    "HTTP: the server is starting, draining or without its store; `errors` of `/readyz` names the part. " +
      "Handshake: the keys that verify tokens cannot be fetched.",
  ),
} satisfies Record<string, Refusal>;

function refusal(status: number, message: string): { when: (description: string) => Refusal } {
  return { when: (description) => ({ message, status, description }) };
}

/** What is sent for a refusal, over HTTP and on the socket. */
export interface ErrorEnvelope {
  data: null;
  error: {
    /** One of a fixed list: a sentence to show, or to match on. */
    message: string;
    /** An HTTP status, also on the socket. @asType integer */
    status: number;
    /** One line per violation of the payload's schema, or per part that is not ready; often empty. */
    errors: string[];
  };
}

/** An error that a client may see: where an event handler or a route throws it, it becomes the error envelope. */
export class ChatError extends Error {
  readonly status: number;
  readonly errors: readonly string[];

  constructor({ message, status }: Refusal, errors: readonly string[] = []) {
    super(message);
    this.name = "ChatError";
    this.status = status;
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
