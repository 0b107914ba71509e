import { loadConfig } from "../../src/config";
import { EVENTS } from "../../src/protocol/events";

/* How Socket.IO is put in the terms of AsyncAPI. */

export const DESCRIPTION = `The events of the chat, seen from the server: it \`receive\`s what clients send and \`send\`s what they hear.

- A channel's address is the name of a Socket.IO event in the namespace \`/\`. Events have one argument, the message's
  payload; the header \`offset\` stands for a second argument, which clients get that asked to resume.
- An operation's \`reply\` is what Socket.IO's acknowledgement gets, if the client passed a callback. It is called
  exactly once. Without a callback a refusal comes as \`${EVENTS.serverError}\` instead.
- \`base\` is what every client speaks, of socket.io-client 2.x and 4.x alike; an \`extension\` takes a client that asks
  for it.
- Examples of one name belong to the dialogue of that name in \`x-dialogues\`, which shows who sends and hears what, in
  order.`;

export const SERVER = {
  host: "{host}",
  pathname: "/socket.io/",
  protocol: "ws",
  description:
    "Socket.IO over websocket or HTTP long polling; Engine.IO 4, and 3 for clients of generation 2.",
  variables: { host: { default: `localhost:${String(loadConfig({}).port)}` } },
};

/** What a client without a library has to send; Socket.IO's do. */
export const UPGRADE = {
  method: "GET",
  query: {
    type: "object",
    properties: { EIO: { enum: ["3", "4"] }, transport: { const: "websocket" } },
    required: ["EIO", "transport"],
  },
  headers: {
    type: "object",
    properties: {
      Authorization: { type: "string", description: "`Bearer` and a token, instead of `auth.token`." },
    },
  },
  bindingVersion: "0.1.0",
};
