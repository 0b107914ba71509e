import { EVENTS } from "../../src/protocol/events";
import { Canaries } from "../support/canaries";
import {
  AWKWARD_TEXTS,
  manyKeys,
  nestedJson,
  NON_OBJECTS,
  NON_STRINGS,
  HOSTILE_NAMES,
  withOwnProto,
  without,
} from "../support/hostileValues";
import { RawPolling } from "../support/rawPolling";
import { RawWebSocket } from "../support/rawWebSocket";
import { COOKING } from "../support/rooms";
import { NO_RATE_LIMITS } from "../support/noRateLimits";
import { startService } from "../support/service";
import { ServiceProcess } from "../support/serviceProcess";
import { CLIENTS, TestClient } from "../support/testClient";

const MESSAGE = { username: "eve", message: "secret body", uuid: "1234", chatRoom: COOKING };
const PRESENCE = { username: "eve", avatar: "image link", currentRoom: COOKING };
/** pino's level for mistakes of clients; the service must log nothing above it. */
const WARN_LEVEL = 40;
const EMOJI = "\u{1F600}"; // one code point, two UTF-16 units, four bytes
/** Ten times as many, which fit into the largest frame, count as a flood (floods.test.ts). */
const MANY_KEYS = 500;

const MISSING = (key: string) => `should have required property '${key}'`;
const NOT_A_STRING = "should be string";
const NOT_AN_OBJECT = "should be object";
const SURPLUS = "should NOT have additional properties";
const TOO_SHORT = "should NOT be shorter than 1 characters";
const TOO_LONG = (limit: number) => `should NOT be longer than ${String(limit)} characters`;

/** The arguments of an event, and the `errors` of its refusal. */
interface Case {
  name: string;
  args: unknown[];
  errors: string[];
}

interface Table {
  event: string;
  refusal: string;
  valid: Record<string, unknown>;
  roomField: "chatRoom" | "currentRoom";
  /** string field → its limits, in code points */
  strings: Record<string, { min: number; max: number }>;
}

const TABLES: Table[] = [
  {
    event: EVENTS.newMessage,
    refusal: "Incoming message is not valid",
    valid: MESSAGE,
    roomField: "chatRoom",
    strings: { username: { min: 1, max: 64 }, message: { min: 1, max: 4_000 }, uuid: { min: 1, max: 64 } },
  },
  {
    event: EVENTS.newPresenceInformation,
    refusal: "Incoming user info is not valid",
    valid: PRESENCE,
    roomField: "currentRoom",
    strings: { username: { min: 1, max: 64 }, avatar: { min: 0, max: 2_048 } },
  },
];

const ROOM_STRINGS = { label: { min: 1, max: 64 }, name: { min: 1, max: 64 } };

function envelope(message: string, errors: string[]): unknown {
  return { data: null, error: { message, status: 404, errors } };
}

function payloadsOfTheWrongKind({ valid }: Table): Case[] {
  const wrong: [string, unknown][] = [
    ...NON_OBJECTS,
    ["an empty list", []],
    ["a list with a payload", [valid]],
  ];
  const cases = wrong.map(([name, value]) => ({ name, args: [value], errors: [NOT_AN_OBJECT] }));
  return [{ name: "no payload", args: [], errors: [NOT_AN_OBJECT] }, ...cases];
}

function missingFields({ valid, roomField, strings }: Table): Case[] {
  const room = valid[roomField] as object;
  const inRoom = (value: object) => [{ ...valid, [roomField]: value }];
  return [
    { name: "{}", args: [{}], errors: [...Object.keys(strings), roomField].map(MISSING) },
    ...Object.keys(valid).map((key) => ({
      name: `no ${key}`,
      args: [without(valid, key)],
      errors: [MISSING(key)],
    })),
    { name: "an empty room", args: inRoom({}), errors: ["label", "name"].map(MISSING) },
    ...["label", "name"].map((key) => ({
      name: `a room without ${key}`,
      args: inRoom(without(room, key)),
      errors: [MISSING(key)],
    })),
  ];
}

/** Each string field, the room's two included: its name, its limits, and the payload with another value in it. */
function stringFields({ valid, roomField, strings }: Table): {
  name: string;
  limits: { min: number; max: number };
  withValue: (value: unknown) => object;
}[] {
  const own = Object.entries(strings).map(([name, limits]) => ({
    name,
    limits,
    withValue: (value: unknown) => ({ ...valid, [name]: value }),
  }));
  const ofRoom = Object.entries(ROOM_STRINGS).map(([key, limits]) => ({
    name: `${roomField}.${key}`,
    limits,
    withValue: (value: unknown) => ({ ...valid, [roomField]: { ...COOKING, [key]: value } }),
  }));
  return [...own, ...ofRoom];
}

function fieldsOfTheWrongType(table: Table): Case[] {
  const { valid, roomField, strings } = table;
  const everything = Object.fromEntries(Object.keys(valid).map((key) => [key, 5]));
  return [
    ...stringFields(table).flatMap(({ name, withValue }) =>
      NON_STRINGS.map(([kind, value]) => ({
        name: `${name} is ${kind}`,
        args: [withValue(value)],
        errors: [NOT_A_STRING],
      })),
    ),
    ...NON_OBJECTS.map(([kind, value]) => ({
      name: `${roomField} is ${kind}`,
      args: [{ ...valid, [roomField]: value }],
      errors: [NOT_AN_OBJECT],
    })),
    {
      name: "every field is a number",
      args: [everything],
      errors: [...Object.keys(strings).map(() => NOT_A_STRING), NOT_AN_OBJECT],
    },
  ];
}

function lengthsPastTheLimits(table: Table): Case[] {
  return stringFields(table).flatMap(({ name, limits: { min, max }, withValue }) => {
    const tooLong = ["x", EMOJI].map((character) => ({
      name: `${name} of ${String(max + 1)} × ${character}`,
      args: [withValue(character.repeat(max + 1))],
      errors: [TOO_LONG(max)],
    }));
    const empty = { name: `${name} is empty`, args: [withValue("")], errors: [TOO_SHORT] };
    return min === 0 ? tooLong : [empty, ...tooLong];
  });
}

function surplusFields({ valid, roomField, strings }: Table): Case[] {
  const required = [...Object.keys(strings), roomField].map(MISSING);
  const room = valid[roomField] as object;
  const surplus = (name: string, payload: object, lines = 1) => ({
    name,
    args: [payload],
    errors: Array<string>(lines).fill(SURPLUS),
  });
  return [
    ...["extra", "constructor", "toString", "length", "0", ""].map((key) =>
      surplus(`a field "${key}" too many`, { ...valid, [key]: "x" }),
    ),
    surplus("an own __proto__", withOwnProto(valid)),
    surplus("a room with a topic", { ...valid, [roomField]: { ...room, topic: "x" } }),
    surplus("a room with an own __proto__", { ...valid, [roomField]: withOwnProto(room) }),
    surplus("hundreds of extra fields", { ...manyKeys(MANY_KEYS), ...valid }, 10),
    surplus(
      "a room with hundreds of extra fields",
      { ...valid, [roomField]: { ...manyKeys(MANY_KEYS), ...room } },
      10,
    ),
    {
      name: "thousands of extra fields and none that is required",
      args: [manyKeys(MANY_KEYS)],
      errors: [...required, ...Array<string>(10 - required.length).fill(SURPLUS)],
    },
  ];
}

function deepValues(table: Table): Case[] {
  const kinds = ["lists", "objects"] as const;
  return [
    ...stringFields(table).flatMap(({ name, withValue }) =>
      kinds.map((kind) => ({
        name: `${name} is 100 ${kind} deep`,
        args: [withValue(JSON.parse(nestedJson(100, kind)))],
        errors: [NOT_A_STRING],
      })),
    ),
    {
      name: "a payload 100 lists deep",
      args: [JSON.parse(nestedJson(100, "lists"))],
      errors: [NOT_AN_OBJECT],
    },
  ];
}

/** The groups of cases whose refusal carries exact lines. */
const GROUPS: [name: string, cases: (table: Table) => Case[]][] = [
  ["payloads of the wrong kind", payloadsOfTheWrongKind],
  ["missing fields", missingFields],
  ["fields of the wrong type", fieldsOfTheWrongType],
  ["lengths past the limits", lengthsPastTheLimits],
  ["surplus fields", surplusFields],
  ["deep nesting", deepValues],
];

interface Scene {
  url: string;
  canaries: Canaries;
  /** Fails when the service logged anything above a warning. */
  expectUnharmed: () => void;
}

/** The service in this process, where Jest fails a test for an unhandled rejection. */
async function start(): Promise<Scene> {
  const { url, logs } = await startService(NO_RATE_LIMITS);
  const expectUnharmed = () => expect(logs.filter(({ level }) => Number(level) > WARN_LEVEL)).toEqual([]);
  return { url, canaries: await Canaries.start(url), expectUnharmed };
}

/** The service as a process of its own, whose output and exit a test can check. */
async function startProcess(env: Record<string, string> = {}): Promise<Scene & { service: ServiceProcess }> {
  const service = await ServiceProcess.start({ ...NO_RATE_LIMITS, ...env });
  const expectUnharmed = () => {
    expect(service.child.exitCode).toBeNull();
    expect(service.child.signalCode).toBeNull();
    expect(service.stderr).toBe("");
    expect(service.lines.filter(({ level }) => Number(level) > WARN_LEVEL)).toEqual([]);
  };
  return { service, url: service.url, canaries: await Canaries.start(service.url), expectUnharmed };
}

/** Sends the event twice, without and with a callback: the refusal comes as `server_error`, then as the answer. */
async function expectRefusal(
  offender: TestClient,
  event: string,
  { name, args }: Pick<Case, "name" | "args">,
  refusal: unknown,
): Promise<void> {
  offender.socket.emit(event, ...args);
  const [answer] = await offender.waitForArguments(EVENTS.serverError);
  expect({ name, answer }).toEqual({ name, answer: [refusal] });
  const acked = await offender.ask(event, ...args);
  expect({ name, acked }).toEqual({ name, acked: [refusal] });
}

describe.each(CLIENTS)("$name", ({ options }) => {
  describe.each(TABLES)("$event", (table) => {
    test("everything that fails the schema is refused in the documented words, and no other client is sent anything", async () => {
      const { url, canaries, expectUnharmed } = await start();
      const offender = await TestClient.connect(url, options);
      for (const [group, cases] of GROUPS) {
        for (const { name, args, errors } of cases(table)) {
          const refusal = envelope(table.refusal, errors);
          await expectRefusal(offender, table.event, { name: `${group}: ${name}`, args }, refusal);
          await canaries.check(name, offender);
        }
      }
      expectUnharmed();
    });

    test("a room that does not exist is refused, also under a special name", async () => {
      const { url, canaries, expectUnharmed } = await start();
      const offender = await TestClient.connect(url, options);
      const refusal = envelope("Chat room does not exist", []);
      for (const name of HOSTILE_NAMES) {
        const args = [{ ...table.valid, [table.roomField]: { label: "Cooking", name } }];
        await expectRefusal(offender, table.event, { name, args }, refusal);
        await canaries.check(name, offender);
      }
      expectUnharmed();
    });

    test("a binary payload is refused in at most 10 lines", async () => {
      const { url, canaries, expectUnharmed } = await start();
      const offender = await TestClient.connect(url, options);
      for (const payload of [Buffer.alloc(0), Buffer.from("x"), Buffer.alloc(40_000, 1)]) {
        const [answer] = await offender.ask(table.event, payload);
        const { error } = answer as { error: { message: string; status: number; errors: string[] } };
        expect(error).toMatchObject({ message: table.refusal, status: 404 });
        expect(error.errors.slice(0, 3)).toEqual(
          [...Object.keys(table.strings), table.roomField].slice(0, 3).map(MISSING),
        );
        expect(error.errors.length).toBeLessThanOrEqual(10);
        await canaries.check(`binary of ${String(payload.length)} bytes`, offender);
      }
      expectUnharmed();
    });

    test("surplus arguments are ignored, and an argument that is not a function is not a callback", async () => {
      const { url, canaries, expectUnharmed } = await start();
      const offender = await TestClient.connect(url, options);
      const surplus = [
        ["callback"],
        [null],
        [{}],
        [[]],
        [1, 2, 3],
        [{ apply: "x", call: "y" }],
        [Buffer.from("x")],
      ];
      for (const extra of surplus) {
        offender.socket.emit(table.event, ...[{}, ...extra]); // refused, because the payload is the first argument
        const [refused] = await offender.waitFor(EVENTS.serverError);
        expect(refused).toMatchObject({ error: { message: table.refusal } });
        const [answer] = await offender.ask(table.event, {}, ...extra);
        expect(answer).toEqual(refused);
        await canaries.check(`extra arguments ${JSON.stringify(extra)}`, offender);
      }
      expectUnharmed();
    });
  });

  test("a message of the greatest lengths, in code points, is delivered unchanged", async () => {
    const { url, canaries, expectUnharmed } = await start();
    const sender = await TestClient.connect(url, options);
    for (const character of ["x", "é", EMOJI]) {
      const longest = {
        username: character.repeat(64),
        message: character.repeat(4_000),
        uuid: character.repeat(64),
      };
      const label = character.repeat(64);
      const sent = sender.sendMessage({ ...longest, chatRoom: { label, name: "/cooking" } });
      for (const client of [canaries.a, canaries.b, sender]) {
        const [received] = await client.waitFor("/cooking");
        expect(received).toMatchObject({ data: { ...sent, chatRoom: COOKING }, error: null });
      }
      await canaries.check(`lengths in ${character}`, sender);
    }
    expectUnharmed();
  });

  test("a presence of the greatest lengths, in code points, is published unchanged", async () => {
    const { url, canaries, expectUnharmed } = await start();
    for (const character of ["x", "é", EMOJI]) {
      const newcomer = await TestClient.connect(url, options);
      const user = { username: character.repeat(64), avatar: character.repeat(2_048) };
      newcomer.announcePresence({ ...user, currentRoom: { label: character.repeat(64), name: "/pets" } });
      for (const client of [canaries.a, canaries.b, newcomer]) {
        const [received] = await client.waitFor(EVENTS.presenceInformation);
        expect(received).toMatchObject({ data: { usersPerRoom: { "/pets": [user] } }, error: null });
      }
      newcomer.disconnect();
      for (const client of [canaries.a, canaries.b]) await client.waitFor(EVENTS.presenceInformation);
      await canaries.check(`lengths in ${character}`);
    }
    expectUnharmed();
  });

  test("awkward text is delivered unchanged, and the log stays one line per entry and does not contain it", async () => {
    const { service, url, canaries, expectUnharmed } = await startProcess({ LOG_LEVEL: "trace" });
    const sender = await TestClient.connect(url, options);
    for (const [name, text] of AWKWARD_TEXTS) {
      const sent = sender.sendMessage({ username: text, message: `secret body ${text}`, uuid: text });
      for (const client of [canaries.a, canaries.b, sender]) {
        const [received] = await client.waitFor("/cooking");
        expect({ name, received }).toMatchObject({ name, received: { data: sent } });
      }
      const nowhere = { ...MESSAGE, username: text, chatRoom: { label: text, name: text } };
      await expectRefusal(
        sender,
        EVENTS.newMessage,
        { name, args: [nowhere] },
        envelope("Chat room does not exist", []),
      );
      sender.socket.emit(text, text);
      await canaries.check(name, sender);
    }
    expectUnharmed();
    expect(service.stdout).not.toMatch(/secret body|forged/);
    expect(service.stdout.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
  });
});

/** Nested lists that fit into a frame of 64 KiB. */
const MAX_LIST_DEPTH = 30_000;
/** Nested objects that fit into it. */
const MAX_OBJECT_DEPTH = 10_000;

describe.each(TABLES)("$event nested as deep as a frame allows", ({ event, refusal, valid }) => {
  const [firstField = ""] = Object.keys(valid);
  const bodies: [name: string, json: string][] = [
    ["lists", nestedJson(MAX_LIST_DEPTH, "lists")],
    ["objects", nestedJson(MAX_OBJECT_DEPTH, "objects")],
    ["lists in a field", `{"${firstField}":${nestedJson(MAX_LIST_DEPTH, "lists")}}`],
    [
      "objects beside the fields",
      `{${JSON.stringify(valid).slice(1, -1)},"x":${nestedJson(MAX_OBJECT_DEPTH, "objects")}}`,
    ],
  ];

  // Each on a connection of its own: such packets count against it, and the second one ends it.
  test("is refused over websocket", async () => {
    const { url, canaries, expectUnharmed } = await startProcess();
    const surplus = `{},${nestedJson(MAX_LIST_DEPTH, "lists")}`;
    for (const query of ["EIO=4", "EIO=3"]) {
      for (const [name, json] of [...bodies, ["a surplus argument", surplus]]) {
        const socket = await RawWebSocket.connect(url, { query });
        socket.send(`421["${event}",${json}]`);
        expect(await socket.waitFor("431[")).toContain(refusal);
        await canaries.check(`${query}: ${name}`);
        socket.webSocket.terminate();
        await socket.closed;
      }
    }
    expectUnharmed();
  });

  test("is refused over polling", async () => {
    const { url, canaries, expectUnharmed } = await startProcess();
    for (const [name, json] of bodies) {
      const session = await RawPolling.connect(url);
      expect(await session.post(`421["${event}",${json}]`)).toBe(200);
      const { packets } = await session.poll();
      expect(packets[0]).toContain(refusal);
      await canaries.check(name);
    }
    expectUnharmed();
  });

  test("is refused with an announced attachment", async () => {
    const { url, canaries, expectUnharmed } = await startProcess();
    for (const [name, json] of bodies) {
      const socket = await RawWebSocket.connect(url);
      socket.send(`451-1["${event}",${json}]`, Buffer.from("attachment"));
      expect(await socket.waitFor("431[")).toContain(refusal);
      await canaries.check(name);
    }
    expectUnharmed();
  });
});
