import { io, type Socket } from "socket.io-client";
import type { Envelope } from "../protocol/events";
import { retryDelay, type RetryPolicy } from "./backoff";
import { ChatClientError, dataOf, toClientError } from "./chatClientError";
import type { GetToken } from "./historyReader";
import type { ChatClientOptions, SocketSettings } from "./types";

/** Sends an event and returns the data of its answer; rejects with a ChatClientError. */
export type Ask = <T>(event: string, payload: unknown) => Promise<T>;

export interface ConnectionHandlers {
  /** What the client asks for in the handshake's `auth`, anew at each attempt. */
  auth: () => object | undefined;
  onConnecting: () => void;
  onConnected: () => void;
  onEvent: (event: string, args: readonly unknown[]) => void;
  onLost: () => void;
  /** An attempt to connect failed. */
  onError: (error: ChatClientError) => void;
}

/** One Socket.IO socket that comes back by itself, also where Socket.IO leaves that to its user. */
export class Connection {
  readonly socket: Socket;
  readonly #handlers: ConnectionHandlers;
  readonly #retries: RetryPolicy;
  readonly #requestTimeout: number;
  readonly #comesBack: boolean;
  readonly #getToken: GetToken | undefined;
  /** Another object for each transport that opens; a token that comes late is not for the next one. */
  #transport = {};
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `requestTimeout` in ms. */
  constructor(
    url: string,
    { transports, socketOptions, auth, connector = io }: ChatClientOptions,
    { requestTimeout, retries }: { requestTimeout: number; retries: RetryPolicy },
    handlers: ConnectionHandlers,
  ) {
    this.#handlers = handlers;
    this.#retries = retries;
    this.#requestTimeout = requestTimeout;
    this.#comesBack = socketOptions?.reconnection !== false;
    this.#getToken = auth;
    this.socket = connector(url, {
      forceNew: true, // the service takes one socket per connection
      ...(transports && { transports }),
      ...socketOptions,
      autoConnect: false,
      auth: (send: (auth: object) => void) =>
        withOwnAuth(socketOptions?.auth, (own) => void this.#authenticate(own, send)),
    });
    this.#listen();
  }

  connect(): void {
    clearTimeout(this.#timer);
    if (this.socket.connected) return;
    this.#handlers.onConnecting();
    this.socket.connect();
  }

  /** The connection has proved useful: the next trouble is a new one. */
  isGood(): void {
    this.#failures = 0;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.socket.disconnect();
  }

  /** Rejects with a ChatClientError: the refusal, or status 0 when the answer did not come. */
  request<T>(event: string, payload: unknown): Promise<T> {
    return new Promise((resolve, reject) => {
      const onAnswer = (failure: Error | null, answer: Envelope<T>) => {
        if (failure !== null) return reject(new ChatClientError(failure.message));
        try {
          resolve(dataOf(answer));
        } catch (refusal) {
          reject(toClientError(refusal));
        }
      };
      this.socket.timeout(this.#requestTimeout).emit(event, payload, onAnswer);
    });
  }

  async #authenticate(own: object | undefined, send: (auth: object) => void): Promise<void> {
    const transport = this.#transport;
    try {
      const token = this.#getToken && { token: await this.#getToken() };
      if (transport !== this.#transport) return;
      const asked = this.#handlers.auth();
      const auth = own ?? token ?? asked;
      // Undefined sends no auth; Socket.IO's types do not know.
      send((auth && { ...own, ...token, ...asked }) as object);
    } catch (thrown) {
      if (transport !== this.#transport) return;
      this.socket.disconnect();
      this.#handlers.onError(toClientError(thrown));
      this.#comeBack();
    }
  }

  #listen(): void {
    const { socket } = this;
    const { onConnecting, onConnected, onEvent, onLost, onError } = this.#handlers;
    socket.on("connect", onConnected);
    socket.onAny((event: string, ...args: unknown[]) => onEvent(event, args));
    socket.io.on("reconnect_attempt", onConnecting);
    socket.io.on("close", () => (this.#transport = {}));
    socket.on("disconnect", (reason) => {
      onLost();
      if (reason === "io server disconnect") this.#comeBack();
    });
    socket.on("connect_error", (thrown) => {
      const error = toClientError(thrown);
      onError(error);
      const isRefused = !socket.active; // else it was the network, and Socket.IO tries again
      if (isRefused && this.#retries.mayPass(error)) this.#comeBack();
    });
  }

  #comeBack(): void {
    if (!this.#comesBack) return;
    this.#failures += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.connect(), retryDelay(this.#retries, this.#failures));
  }
}

/** What the application sends along, a token perhaps, which it may have to fetch first. */
function withOwnAuth(auth: SocketSettings["auth"], use: (own: object | undefined) => void): void {
  if (typeof auth === "function") auth(use);
  else use(auth);
}
