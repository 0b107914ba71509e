import { setTimeout as wait } from "node:timers/promises";
import type { Random } from "../support/random";
import { Recorder } from "../support/recorder";
import { until } from "../support/until";
import { RetryingSender } from "./retryingSender";
import { Cluster, type Node } from "./cluster";
import { FAULTS, LOSS } from "./faults";
import { Guest } from "./guest";
import { Load, ROOMS } from "./load";
import { readLogs, violationsOf, type Logs } from "./verdict";

const RECOVERS_WITHIN = 5_000; // ms
const PRESENT_WITHIN = 30_000; // ms; a killed node's clients are gone by then
const LOOK_AGAIN = 250; // ms
const GUESTS = 8;

export interface RedisRoundsOptions {
  nodes: number;
  rounds: number;
  random: Random;
  report: (line: string) => void;
  /** Names of the faults to choose from. Default: all. */
  faults?: readonly string[];
  /** Every fault is that Redis comes back without its data; then only what is not lost is judged. */
  losesData?: boolean;
}

/** Who sends and hears on one node, to see whether it and the others are well. */
interface Canary {
  node: Node;
  sender: RetryingSender;
  recorder: Recorder;
}

/**
 * Harms nodes, their Redis and the lines between, under load, and waits each time until all is well again.
 * Resolves with every broken promise, in words.
 */
export async function redisRounds(options: RedisRoundsOptions): Promise<string[]> {
  const { random } = options;
  const cluster = await Cluster.start(options.nodes);
  const { urls } = cluster;
  const load = new Load(urls, random);
  const guests = Array.from(
    { length: GUESTS },
    (_, i) => new Guest(`guest${String(i)}`, urls, ROOMS, random),
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
  const sender = new RetryingSender(`canary on ${node.name}`, [node.service.url], ROOMS, random);
  return { node, sender, recorder: new Recorder(`canary on ${node.name}`, ROOMS) };
}

interface Clients {
  load: Load;
  guests: readonly Guest[];
  canaries: readonly Canary[];
}

async function run(
  { rounds, random, report, faults = Object.keys(FAULTS), losesData = false }: RedisRoundsOptions,
  cluster: Cluster,
  { load, guests, canaries }: Clients,
): Promise<string[]> {
  const wrong: string[] = [];
  for (const { node, recorder } of canaries) await recorder.connect(node.service.url, random);
  await load.start();
  await allWell(canaries, random); // and no room is empty: of those a restarted Redis proves nothing
  const wandering = Promise.all(guests.map((guest) => guest.wander()));
  for (let round = 1; round <= rounds; round += 1) {
    await Promise.race([wait(random.between(50, 700)), load.running]);
    const name = losesData ? "Redis emptied" : random.pick(faults);
    const node = random.pick(cluster.nodes);
    const began = performance.now();
    await (losesData ? LOSS : FAULTS[name])?.(cluster, node, random);
    const mended = performance.now();
    const unwell = await allWell(canaries, random);
    wrong.push(...unwell.map((what) => `round ${String(round)}, ${name}: ${what}`));
    const lasted = (mended - began).toFixed(0);
    const recovery = (performance.now() - mended).toFixed(0);
    report(`round ${String(round)}: ${name} (${node.name}) for ${lasted} ms, well again after ${recovery} ms; so far ${String(load)}`); // prettier-ignore
  }
  wrong.push(...(await presenceAtTheEnd(cluster, guests)));
  await wandering;
  wrong.push(...(await load.finish()));
  for (const { node, recorder } of canaries) {
    if (!(await recorder.connect(node.service.url, random))) wrong.push(`${recorder.name} cannot come back`);
  }
  wrong.push(...(await verdict(cluster, { load, guests, canaries }, losesData)));
  report(`at the end ${String(load)}`);
  return [...wrong, ...cluster.complaints];
}

/** A message from each node reaches every node; says where it does not in time. */
async function allWell(canaries: readonly Canary[], random: Random): Promise<string[]> {
  const wrong: string[] = [];
  const deadline = performance.now() + RECOVERS_WITHIN;
  const checks = canaries.map(async ({ sender }, index) => {
    const room = ROOMS[index % ROOMS.length] ?? "";
    const uuid = await inTime(sender.say(room), deadline);
    if (uuid === undefined) wrong.push(`${sender.name} gets no ack`);
    for (const { node, recorder } of uuid === undefined ? [] : canaries) {
      const hears = () => recorder.records.get(room)?.some((heard) => heard.uuid === uuid) === true;
      const patience = Math.max(0, deadline - performance.now());
      await until(`${recorder.name} hears`, () => hears(), patience).catch(() =>
        wrong.push(`${recorder.name} does not hear ${sender.name} (${node.name})`),
      );
    }
  });
  const isOver = new AbortController();
  const returning = canaries.map((canary) => comeBack(canary, random, isOver.signal));
  await Promise.all(checks);
  isOver.abort();
  await Promise.all(returning);
  return wrong;
}

/** Keeps the canary's listener on its node. */
async function comeBack({ node, recorder }: Canary, random: Random, isOver: AbortSignal): Promise<void> {
  while (!isOver.aborted) {
    if (!recorder.connected) await recorder.connect(node.service.url, random);
    await wait(20);
  }
}

async function inTime<T>(promise: Promise<T>, deadline: number): Promise<T | undefined> {
  const timeout = new AbortController();
  const late = wait(deadline - performance.now(), undefined, { signal: timeout.signal });
  const value = await Promise.race([promise, late.catch(() => undefined)]);
  timeout.abort();
  return value;
}

/** All guests stand still: every node shows each in its room, in one order, and nobody else. */
async function presenceAtTheEnd({ urls }: Cluster, guests: readonly Guest[]): Promise<string[]> {
  for (const [index, guest] of guests.entries()) guest.settle(urls[index % urls.length] ?? "");
  const byName = (names: readonly string[]) => JSON.stringify([...names].sort());
  const whoIsIn = (room: string) => guests.filter((guest) => guest.room === room).map(({ name }) => name);
  let answers: Awaited<ReturnType<Guest["asks"]>>[] = [];
  const isExact = async () => {
    await wait(LOOK_AGAIN);
    answers = await Promise.all(guests.map((guest) => guest.asks()));
    return answers.every(
      (answer) =>
        answer !== undefined &&
        JSON.stringify(answer) === JSON.stringify(answers[0]) &&
        ROOMS.every((room) => byName((answer[room] ?? []).map(({ username }) => username)) === byName(whoIsIn(room))), // prettier-ignore
    );
  };
  try {
    await until("presence is exact", isExact, PRESENT_WITHIN);
    return [];
  } catch {
    const seen = answers.map(
      (answer, index) => `${guests[index]?.name ?? ""} sees ${JSON.stringify(answer)}`,
    );
    return [`presence is not ${JSON.stringify(ROOMS.map(whoIsIn))}`, ...seen];
  }
}

async function verdict(
  { urls }: Cluster,
  { load, canaries }: Clients,
  losesData: boolean,
): Promise<string[]> {
  const senders = [...load.senders, ...canaries.map(({ sender }) => sender)];
  const recorders = [...load.recorders, ...canaries.map(({ recorder }) => recorder)];
  const [logs, ...others] = await Promise.all(urls.map((url) => readLogs(url, ROOMS)));
  if (logs === undefined) throw new Error("there are no nodes");
  const text = JSON.stringify([...logs]);
  const areEqual = others.every((other) => JSON.stringify([...other]) === text);
  return [
    ...(areEqual ? [] : ["nodes show different histories"]),
    ...(losesData ? doubled(logs, recorders) : violationsOf(logs, senders, recorders)),
  ];
}

/** Whatever was lost: nothing stands twice in what is kept, and nobody heard one place of the log twice. */
function doubled(logs: Logs, recorders: readonly Recorder[]): string[] {
  const kept = [...logs.values()].flat().map(({ uuid }) => uuid);
  const wrong = new Set(kept).size === kept.length ? [] : ["messages are stored twice"];
  for (const { name, records, violations } of recorders) {
    const offsets = [...records.values()].flat().map(({ offset }) => offset);
    if (new Set(offsets).size !== offsets.length) wrong.push(`${name} heard messages twice`);
    wrong.push(...violations.map((what) => `${name}: ${what}`));
  }
  return wrong;
}
