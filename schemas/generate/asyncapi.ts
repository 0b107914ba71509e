import { loadConfig } from "../../src/config";
import { CIRCUMSTANCES } from "./dialogue";
import { DIALOGUES } from "./dialogues";
import { OPERATIONS, type Operation } from "./events";
import { ASSIGNED_BY_SERVER, type Shown } from "./samples";
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

const OFFSET_HEADERS = {
  title: "RoomEventHeaders",
  type: "object",
  properties: { offset: ref("Offset") },
  required: ["offset"],
};

/** What some messages have beside their payload. */
const MESSAGE_DETAILS: Record<string, Json> = {
  "room.withOffset": {
    summary: "For clients that opted in to resuming",
    headers: OFFSET_HEADERS,
    "x-socketio-arguments": ["$message.payload", "$message.header#/offset"],
  },
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

function operation(id: string, { description, messages, reply, isExtension }: Operation): Json {
  const inChannel = (channel: string, of: object) => ({
    channel: { $ref: `#/channels/${channel}` },
    messages: Object.keys(of).map((key) => ({ $ref: `#/channels/${channel}/messages/${key}` })),
  });
  return {
    action: reply ? "receive" : "send",
    description,
    tags: [{ name: isExtension ? "extension" : "base" }],
    ...inChannel(`${id}_channel`, messages),
    ...(reply && { reply: inChannel(`${id}_reply`, reply) }),
  };
}

function allMessages(): Record<string, Json> {
  const payloads = Object.assign(
    {},
    ...Object.values(OPERATIONS).flatMap(({ messages, reply }) => [messages, reply]),
  ) as Record<string, string>;
  const examples = allExamples();
  const messages = Object.entries(payloads).map(([key, schema]) => [
    key,
    { name: key, ...MESSAGE_DETAILS[key], payload: ref(schema), examples: examples.get(key) },
  ]);
  return Object.fromEntries(messages) as Record<string, Json>;
}

/** Returns the examples of each message: what the dialogues show of it, without repetitions. */
function allExamples(): Map<string, Json[]> {
  const examples = new Map<string, Json[]>();
  const known = new Set<string>();
  for (const { name, summary, steps } of DIALOGUES)
    for (const { message, payload, headers } of steps.flatMap(shownIn)) {
      const content = JSON.stringify([message, payload, headers]);
      if (known.has(content)) continue;
      known.add(content);
      examples.set(message, [...(examples.get(message) ?? []), { name, summary, headers, payload }]);
    }
  return examples;
}

function shownIn(step: object): Shown[] {
  const { connects, refused, ack } = step as Record<string, Shown | null | undefined>;
  const parts = [step, refused === undefined ? connects : undefined, refused, ack];
  return parts.filter((part): part is Shown => (part as Shown | null | undefined)?.message !== undefined);
}
