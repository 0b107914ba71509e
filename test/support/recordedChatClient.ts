import { Manager, type Socket } from "socket.io-client";
import {
  ChatClient,
  type ChatClientError,
  type ChatClientOptions,
  type ChatStatus,
  type HistoricalMessage,
  type PresenceInformation,
  type TypingInformation,
} from "../../src/client/chatClient";
import { afterThisTest } from "./disposal";
import { until } from "./until";

/** A ChatClient, the payloads of all its events, and the socket that it made. */
export class RecordedChatClient {
  readonly client: ChatClient;
  readonly socket: Socket;
  readonly messages: HistoricalMessage[] = [];
  readonly presence: PresenceInformation[] = [];
  readonly typing: TypingInformation[] = [];
  readonly errors: ChatClientError[] = [];
  readonly statuses: ChatStatus[] = [];

  constructor(url: string, options: ChatClientOptions = {}) {
    const makeSocket = jest.spyOn(Manager.prototype, "socket");
    this.client = new ChatClient(url, {
      username: "ana",
      retryDelay: 20,
      ...options,
      socketOptions: { transports: ["websocket"], ...options.socketOptions },
    });
    this.socket = makeSocket.mock.results[0]?.value as Socket;
    makeSocket.mockRestore();
    this.client.on("message", (message) => this.messages.push(message));
    this.client.on("presence", (presence) => this.presence.push(presence));
    this.client.on("typing", (typing) => this.typing.push(typing));
    this.client.on("error", (error) => this.errors.push(error));
    this.client.on("status", (status) => this.statuses.push(status));
    afterThisTest(() => this.client.close());
  }

  /** Begins to connect. */
  static open(url: string, options: ChatClientOptions = {}): RecordedChatClient {
    const recorded = new RecordedChatClient(url, options);
    recorded.client.connect();
    return recorded;
  }

  static async online(url: string, options: ChatClientOptions = {}): Promise<RecordedChatClient> {
    const recorded = RecordedChatClient.open(url, options);
    await recorded.isOnline();
    return recorded;
  }

  isOnline(): Promise<void> {
    return until("the client is online", () => this.client.status.state === "online");
  }

  received(count: number): Promise<void> {
    return until(`${String(count)} messages are received`, () => this.messages.length >= count);
  }

  texts(): string[] {
    return this.messages.map(({ message }) => message);
  }

  /** Loses the connection. With `NO_RECONNECTION` it comes back only by `connect()`. */
  async cut(): Promise<void> {
    this.socket.io.engine.close();
    await until("the client is offline", () => this.client.status.state === "offline");
  }
}

export const NO_RECONNECTION: ChatClientOptions = { socketOptions: { reconnection: false } };
