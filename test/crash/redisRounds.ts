import { setTimeout as pause } from "node:timers/promises";
import type { Random } from "../support/random";
import { Recorder } from "../support/recorder";
import { ROOM_NAMES } from "../support/rooms";
import { until } from "../support/until";
import { RetryingSender } from "./retryingSender";
import { Cluster, type Node } from "./cluster";
import { DATA_LOSS, FAULTS } from "./faults";
import { Guest } from "./guest";
import { Load } from "./load";
import { readLogs, violationsOf, type Logs } from "./verdict";

const RECOVERS_WITHIN_MS = 5_000;
/** The promise for the presence of a killed node's clients. */
const PRESENCE_EXACT_WITHIN_MS = 30_000;
const ASK_AGAIN_AFTER_MS = 250;
const GUESTS = 8;

export interface RedisRoundsOptions {
  nodes: number;
  rounds: number;
  random: Random;
  report: (line: string) => void;
  /** Names of the faults to choose from. Default: all. */
  faults?: readonly string[];
  /** Default: false. True: the only fault is that Redis loses its data, and lost messages are no violation. */
  losesData?: boolean;
}

/** A sender and a listener on one node, which show whether it and the other nodes serve. */
interface Canary {
  node: Node;
  sender: RetryingSender;
  recorder: Recorder;
}

/**
 * Causes faults in nodes, their Redis and the connections between, under load, and waits after each fault until all
 * nodes serve again. Resolves with every broken promise, in words.
 */
export async function redisRounds(options: RedisRoundsOptions): Promise<string[]> {
  const { random } = options;
  const cluster = await Cluster.start(options.nodes);
  const { urls } = cluster;
  const load = new Load(urls, random);
  const guests = Array.from(
    { length: GUESTS },
    (_, i) => new Guest(`guest${String(i)}`, urls, ROOM_NAMES, random),
  );
  const canaries = cluster.nodes.map((node) => canaryOn(node, random));
  try {
    return await run(options, cluster, { load, guests, canaries });
  } finally {
    load.close();
    for (const guest of guests) guest.close();
    for (const { sender, recorder } of canaries) {
      sender.close();
      recorder.drop(random);
    }
    await cluster.stop();
  }
}

function canaryOn(node: Node, random: Random): Canary {
  const sender = new RetryingSender(`canary on ${node.name}`, [node.service.url], ROOM_NAMES, random);
  return { node, sender, recorder: new Recorder(`canary on ${node.name}`, ROOM_NAMES) };
}

interface Clients {
  load: Load;
  guests: readonly Guest[];
  canaries: readonly Canary[];
}

async function run(options: RedisRoundsOptions, cluster: Cluster, clients: Clients): Promise<string[]> {
  const { load, guests, canaries } = clients;
  const { rounds, random, report, losesData = false } = options;
  const wrong: string[] = [];
  for (const { node, recorder } of canaries) await recorder.connect(node.service.url, random);
  await load.start();
  await checkRecovery(canaries, random); // leaves no room empty: an empty room could not show a loss
  const wandering = Promise.all(guests.map((guest) => guest.wander()));
  for (let round = 1; round <= rounds; round += 1)
    wrong.push(...(await oneRound(round, options, cluster, clients)));
  wrong.push(...(await presenceAtTheEnd(cluster, guests)));
  await wandering;
  wrong.push(...(await load.finish()));
  for (const { node, recorder } of canaries) {
    if (!(await recorder.connect(node.service.url, random))) wrong.push(`${recorder.name} cannot reconnect`);
  }
  wrong.push(...(await verdict(cluster, clients, losesData)));
  report(`at the end ${String(load)}`);
  return [...wrong, ...cluster.errors];
}

/** Waits a moment under load, causes one fault and checks the recovery from it. */
async function oneRound(
  round: number,
  { random, report, faults = Object.keys(FAULTS), losesData = false }: RedisRoundsOptions,
  cluster: Cluster,
  { load, canaries }: Clients,
): Promise<string[]> {
  await Promise.race([pause(random.between(50, 700)), load.running]);
  const name = losesData ? "Redis emptied" : random.pick(faults);
  const node = random.pick(cluster.nodes);
  const startedAt = performance.now();
  await (losesData ? DATA_LOSS : FAULTS[name])?.(cluster, node, random);
  const endedAt = performance.now();
  const failures = await checkRecovery(canaries, random);
  const faultMs = (endedAt - startedAt).toFixed(0);
  const recoveryMs = (performance.now() - endedAt).toFixed(0);
  report(`round ${String(round)}: ${name} (${node.name}) for ${faultMs} ms, recovered after ${recoveryMs} ms; so far ${String(load)}`); // prettier-ignore
  return failures.map((what) => `round ${String(round)}, ${name}: ${what}`);
}

/** Sends a message from each node to every node; resolves with the deliveries that did not happen in time. */
async function checkRecovery(canaries: readonly Canary[], random: Random): Promise<string[]> {
  const wrong: string[] = [];
  const deadline = performance.now() + RECOVERS_WITHIN_MS;
  const checks = canaries.map(async ({ sender }, index) => {
    const room = ROOM_NAMES[index % ROOM_NAMES.length] ?? "";
    const uuid = await inTime(sender.say(room), deadline);
    if (uuid === undefined) wrong.push(`${sender.name} gets no ack`);
    for (const { node, recorder } of uuid === undefined ? [] : canaries) {
      const hasIt = () => recorder.records.get(room)?.some((message) => message.uuid === uuid) === true;
      const timeoutMs = Math.max(0, deadline - performance.now());
      await until(`${recorder.name} has the message`, hasIt, timeoutMs).catch(() =>
        wrong.push(`${recorder.name} does not receive from ${sender.name} (${node.name})`),
      );
    }
  });
  const isOver = new AbortController();
  const returning = canaries.map((canary) => keepConnected(canary, random, isOver.signal));
  await Promise.all(checks);
  isOver.abort();
  await Promise.all(returning);
  return wrong;
}

/** Reconnects the canary's listener to its node until the signal aborts. */
async function keepConnected({ node, recorder }: Canary, random: Random, isOver: AbortSignal): Promise<void> {
  while (!isOver.aborted) {
    if (!recorder.connected) await recorder.connect(node.service.url, random);
    await pause(20);
  }
}

/** Resolves with the value, or with undefined at the deadline. */
async function inTime<T>(promise: Promise<T>, deadline: number): Promise<T | undefined> {
  const timeout = new AbortController();
  const late = pause(deadline - performance.now(), undefined, { signal: timeout.signal });
  const value = await Promise.race([promise, late.catch(() => undefined)]);
  timeout.abort();
  return value;
}

/** Lets all guests stay where they are; then every node must list exactly these, in the same order. */
async function presenceAtTheEnd({ urls }: Cluster, guests: readonly Guest[]): Promise<string[]> {
  for (const [index, guest] of guests.entries()) guest.settle(urls[index % urls.length] ?? "");
  const sorted = (names: readonly string[]) => JSON.stringify([...names].sort());
  const namesIn = (room: string) => guests.filter((guest) => guest.room === room).map(({ name }) => name);
  let answers: Awaited<ReturnType<Guest["askForPresence"]>>[] = [];
  const isExact = async () => {
    await pause(ASK_AGAIN_AFTER_MS);
    answers = await Promise.all(guests.map((guest) => guest.askForPresence()));
    return answers.every(
      (answer) =>
        answer !== undefined &&
        JSON.stringify(answer) === JSON.stringify(answers[0]) &&
        ROOM_NAMES.every((room) => sorted((answer[room] ?? []).map(({ username }) => username)) === sorted(namesIn(room))), // prettier-ignore
    );
  };
  try {
    await until("presence is exact", isExact, PRESENCE_EXACT_WITHIN_MS);
    return [];
  } catch {
    const seen = answers.map(
      (answer, index) => `${guests[index]?.name ?? ""} sees ${JSON.stringify(answer)}`,
    );
    return [`presence is not ${JSON.stringify(ROOM_NAMES.map(namesIn))}`, ...seen];
  }
}

async function verdict(
  { urls }: Cluster,
  { load, canaries }: Clients,
  losesData: boolean,
): Promise<string[]> {
  const senders = [...load.senders, ...canaries.map(({ sender }) => sender)];
  const recorders = [...load.recorders, ...canaries.map(({ recorder }) => recorder)];
  const [logs, ...others] = await Promise.all(urls.map((url) => readLogs(url, ROOM_NAMES)));
  if (logs === undefined) throw new Error("there are no nodes");
  const text = JSON.stringify([...logs]);
  const areEqual = others.every((other) => JSON.stringify([...other]) === text);
  return [
    ...(areEqual ? [] : ["nodes show different histories"]),
    ...(losesData ? doubled(logs, recorders) : violationsOf(logs, senders, recorders)),
  ];
}

/** Messages that are stored twice or were delivered twice. Data loss excuses neither. */
function doubled(logs: Logs, recorders: readonly Recorder[]): string[] {
  const kept = [...logs.values()].flat().map(({ uuid }) => uuid);
  const wrong = new Set(kept).size === kept.length ? [] : ["messages are stored twice"];
  for (const { name, records, violations } of recorders) {
    const offsets = [...records.values()].flat().map(({ offset }) => offset);
    if (new Set(offsets).size !== offsets.length) wrong.push(`${name} received messages twice`);
    wrong.push(...violations.map((what) => `${name}: ${what}`));
  }
  return wrong;
}
