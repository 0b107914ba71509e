import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { EVENTS } from "../../src/protocol/events";
import { range } from "../support/numbers";
import { Random } from "../support/random";
import type { RedisServer } from "../support/redisServer";
import { COOKING, PETS } from "../support/rooms";
import { AttackClient } from "./attackClient";
import { Canary } from "./canary";
import type { Outcome } from "./outcome";
import { createBacking, startScene, type Attack, type Scene } from "./scene";

const SIZES = { full: { mutations: 20_000 }, small: { mutations: 500 } };
const SEED = 20_261_201;
const CAPTURE_MS = 1_000;
const SETTLE_MS = 2_000;
const DEEP = 100_000;
/** Channels that match a pattern of the service, if it subscribes to patterns: Redis does not list these. */
const PATTERN_SUFFIXES = ["#/#", "#/#room#"];
const BODIES: (string | Buffer)[] = [
  "",
  " ",
  "x",
  "null",
  "true",
  "0",
  "-1e999",
  '""',
  "[]",
  "{}",
  "[null]",
  '[["a"]]',
  '{"__proto__":{"type":1},"constructor":1}',
  // Requests of Socket.IO's Redis adapter, whose types are numbers, without what they need.
  ...range(10).flatMap((type) => [
    `{"type":${String(type)}}`,
    `{"type":${String(type)},"requestId":{},"uid":1,"sid":[],"data":null}`,
    `{"type":${String(type)},"uid":"a","opts":{"rooms":7},"rooms":7,"data":[null,7]}`,
  ]),
  '{"kind":"presence","nodeId":7,"payload":{"number":"x"}}',
  "[".repeat(DEEP) + "]".repeat(DEEP),
  "x".repeat(2 ** 20),
  Buffer.alloc(64),
  Buffer.alloc(64, 0xff),
  Buffer.from([0x93, 0xa1, 0x61, 0xc0, 0xc0]), // MessagePack: ["a", nil, nil]
  Buffer.from([0x93, 0xa1]), // and the same, cut off
  Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]), // an array of 2^32 - 1 items
];

/** Malformed bodies on every channel that the nodes listen to. */
export const redisGarbage: Attack = {
  name: "redisGarbage",
  stores: ["redis"],
  async run({ store, size, outcome }) {
    const backing = await createBacking(store);
    const nodes = await Promise.all([startScene(backing), startScene(backing)]);
    const [one, other] = nodes;
    const { redis } = backing;
    if (redis === undefined) throw new Error("this attack needs Redis");
    const pids = [one.pid, other.pid, redis.pid];
    const canary = await Canary.start({ urls: [one.service.url, other.service.url], pids });
    const bodies = [...BODIES, ...(await mutations(redis, one, SIZES[size].mutations))];
    const channels = await channelsOf(redis);
    outcome.note("bodies on each channel", bodies.length, "bodies");
    for (const channel of channels)
      for (const body of bodies) void redis.control.publish(channel, body).catch(() => undefined);
    await redis.control.ping(); // Redis has passed on every body
    await pause(SETTLE_MS);
    await canary.addTo(outcome);
    outcome.expect("the nodes listen to channels", channels.length > 0);
    for (const [index, node] of nodes.entries()) expectRunning(`node ${String(index)}`, node, outcome);
  },
};

function expectRunning(name: string, { service }: Scene, outcome: Outcome): void {
  const { exitCode, signalCode } = service.child;
  outcome.expect(`${name} runs on`, exitCode === null && signalCode === null);
  const errors = service.lines.filter(({ level }) => Number(level) >= 50).map(({ msg }) => String(msg));
  outcome.expect(`${name} logged no error`, errors.length === 0, errors.slice(0, 3).join());
}

/** Every channel that a node listens to, and those of its patterns. */
async function channelsOf(redis: RedisServer): Promise<string[]> {
  const listed = (await redis.control.pubsub("CHANNELS", "*")) as string[];
  const stems = listed.map((channel) => channel.replace(/-(request|response)#.*$/, ""));
  const matched = [...new Set(stems)].flatMap((stem) => PATTERN_SUFFIXES.map((suffix) => stem + suffix));
  return [...listed, ...matched];
}

/** Records what the nodes publish while a client moves from room to room; resolves with damaged copies of it. */
async function mutations(redis: RedisServer, { port }: Scene, count: number): Promise<Buffer[]> {
  const recorder = new Redis(redis.port);
  const recorded: Buffer[] = [];
  recorder.on("pmessageBuffer", (_pattern: Buffer, _channel: Buffer, body: Buffer) => recorded.push(body));
  await recorder.psubscribe("*");
  const client = new AttackClient(port);
  await client.connected;
  for (const index of range(10)) {
    const presence = { username: "ana", avatar: "", currentRoom: index % 2 === 0 ? COOKING : PETS };
    client.send(`42${JSON.stringify([EVENTS.newPresenceInformation, presence])}`);
    await pause(CAPTURE_MS / 10);
  }
  recorder.disconnect();
  const random = new Random(SEED);
  return recorded.length === 0 ? [] : range(count).map(() => damaged(random.pick(recorded), random));
}

/** A copy that is cut off, or differs in one to four bytes. */
function damaged(body: Buffer, random: Random): Buffer {
  if (random.next() < 0.3) return body.subarray(0, random.between(0, body.length - 1));
  const copy = Buffer.from(body);
  for (let times = random.between(1, 4); times > 0; times -= 1)
    copy[random.between(0, copy.length - 1)] = random.between(0, 255);
  return copy;
}
