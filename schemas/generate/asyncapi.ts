import { loadConfig } from "../../src/config";
import { CIRCUMSTANCES } from "./dialogue";
import { DIALOGUES } from "./dialogues";
import { EXTENSIONS, OPERATIONS, type Operation } from "./events";
import { ASSIGNED_BY_SERVER } from "./samples";
import { componentsOf, ref, type Json } from "./typeSchemas";

const DESCRIPTION = `The events of the chat, from the server's side: it \`receive\`s what clients send, and \`send\`s what they receive.

- The address of a channel is the name of a Socket.IO event in the namespace \`/\`. An event has one argument, the payload
  of the message. The header \`offset\` stands for a second argument, for clients that opted in to resuming.
- The \`reply\` of an operation is what the callback receives that the client passed as the last argument (Socket.IO's
  acknowledgement). It is called exactly once. Without a callback a refusal is sent as \`server_error\` instead.
- All clients speak \`base\`, with socket.io-client 2.x and 4.x alike. Clients opt in to each \`extension\`.
- An example belongs to the dialogue of the same name in \`x-dialogues\`, which shows all steps of it in order.`;

const SERVER = {
  host: "{host}",
  pathname: "/socket.io/",
  protocol: "ws",
  description:
    "Socket.IO over websocket or HTTP long polling: Engine.IO 4, or 3 for clients of generation 2.",
  variables: { host: { default: `localhost:${String(loadConfig({}).port)}` } },
};

const WITH_OFFSET = {
  summary: "For clients that opted in to resuming",
  headers: {
    title: "RoomEventHeaders",
    type: "object",
    properties: { offset: ref("Offset") },
    required: ["offset"],
  },
  "x-socketio-arguments": ["$message.payload", "$message.header#/offset"],
};

/** Returns asyncapi.json. `info`: what both documents have. */
export function asyncApi(info: Json, schemas: Record<string, Json>): Json {
  const messages = allMessages();
  const operations = Object.entries(OPERATIONS);
  return {
    asyncapi: "3.0.0",
    info: { ...info, description: DESCRIPTION, tags: [{ name: "base" }, { name: "extension" }] },
    defaultContentType: "application/json",
    servers: { chat: SERVER },
    channels: Object.assign({}, ...operations.map(([id, row]) => channels(id, row))) as Json,
    operations: Object.fromEntries(operations.map(([id, row]) => [id, operation(id, row)])),
    components: { messages, schemas: componentsOf(messages, schemas) },
    "x-assigned-by-server": ASSIGNED_BY_SERVER,
    "x-circumstances": CIRCUMSTANCES,
    "x-dialogues": DIALOGUES,
  };
}

/** Code generators name types after channels: the ending keeps these apart from the types of messages. */
function channels(id: string, { messages, reply, channel }: Operation): Json {
  const refs = (of: object) =>
    Object.fromEntries(Object.keys(of).map((key) => [key, { $ref: `#/components/messages/${key}` }]));
  return {
    [`${id}_channel`]: { address: id, ...channel, messages: refs(messages) },
    ...(reply && { [`${id}_reply`]: { address: null, messages: refs(reply) } }),
  };
}

function operation(id: string, { description, messages, reply }: Operation): Json {
  const inChannel = (channel: string, of: object) => ({
    channel: { $ref: `#/channels/${channel}` },
    messages: Object.keys(of).map((key) => ({ $ref: `#/channels/${channel}/messages/${key}` })),
  });
  return {
    action: reply ? "receive" : "send",
    description,
    tags: [{ name: EXTENSIONS.includes(id) ? "extension" : "base" }],
    ...inChannel(`${id}_channel`, messages),
    ...(reply && { reply: inChannel(`${id}_reply`, reply) }),
  };
}

/** Returns each message with its examples: what the dialogues show of it, without repetitions. */
function allMessages(): Record<string, Json> {
  const messages: Record<string, Json & { examples: Json[] }> = {};
  for (const { messages: sent, reply } of Object.values(OPERATIONS))
    for (const [name, schema] of Object.entries({ ...sent, ...reply })) {
      const more = name === "room.withOffset" ? WITH_OFFSET : {};
      messages[name] = { name, ...more, payload: ref(schema), examples: [] };
    }
  const known = new Set<string>();
  for (const { name, summary, steps } of DIALOGUES)
    for (const shown of steps.flatMap((step) => [step, step.answer])) {
      const { message = "", payload, headers } = shown ?? {};
      const content = JSON.stringify([message, payload, headers]);
      if (!known.has(content)) messages[message]?.examples.push({ name, summary, headers, payload });
      known.add(content);
    }
  return messages;
}
