import { setTimeout as wait } from "node:timers/promises";
import type { Random } from "../support/random";
import { Recorder } from "../support/recorder";
import { AckedSender } from "./ackedSender";
import { Restartable } from "./restartable";
import { readLogs, violationsOf } from "./verdict";

const ROOMS = ["/cooking", "/money", "/travel", "/pets"];
const SENDERS = 5;
const LISTENERS = 8;
const SHORTEST_ROUND = 50; // ms from the restart to the end of the round
const LONGEST_ROUND = 700; // ms
const PAUSE = 20; // ms before a listener tries a service again that is not there

export interface CrashOptions {
  rounds: number;
  random: Random;
  dataDir: string;
  report: (line: string) => void;
}

/**
 * Ends the service again and again while acked senders send and resuming listeners come and go, mostly by
 * kill -9 and sometimes in good manners. Resolves with every broken promise, in words.
 */
export async function crashRounds(options: CrashOptions): Promise<string[]> {
  const { random } = options;
  const service = await Restartable.on(options.dataDir);
  const names = (count: number, what: string) => Array.from({ length: count }, (_, i) => what + String(i));
  const recorders = names(LISTENERS, "listener").map((name) => new Recorder(name, ROOMS));
  const senders = names(SENDERS, "sender").map((name) => new AckedSender(name, service.url, ROOMS, random));
  try {
    await service.start();
    return await run(options, service, senders, recorders);
  } finally {
    for (const sender of senders) sender.close();
    for (const recorder of recorders) recorder.drop(random);
    await service.end("SIGKILL");
  }
}

async function run(
  { rounds, random, report }: CrashOptions,
  service: Restartable,
  senders: readonly AckedSender[],
  recorders: readonly Recorder[],
): Promise<string[]> {
  for (const recorder of recorders) await recorder.connect(service.url, random); // before the first message
  const isOver = { value: false };
  const running = Promise.all([
    ...senders.map((sender) => sender.run()),
    ...recorders.map((recorder) => comeAndGo(recorder, service.url, random, isOver)),
  ]);
  const wrong: string[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const duration = random.between(SHORTEST_ROUND, LONGEST_ROUND);
    await Promise.race([wait(duration), running]);
    const signal = random.next() < 0.8 ? "SIGKILL" : "SIGTERM";
    const code = await service.end(signal);
    if (signal === "SIGTERM" && code !== 0) wrong.push(`exit code ${String(code)} after SIGTERM`);
    const acked = total(senders, (sender) => sender.acked.size);
    const open = total(senders, (sender) => sender.sent.size) - acked;
    const startTime = await service.start();
    report(`round ${String(round)}: ${signal} after ${String(duration)} ms; so far ${String(acked)} acked, ${String(open)} not, ${String(total(senders, ({ retries }) => retries))} retries; restarted in ${startTime.toFixed(0)} ms`); // prettier-ignore
  }
  for (const sender of senders) sender.stop();
  isOver.value = true;
  await running;
  for (const recorder of recorders) {
    if (!(await recorder.connect(service.url, random))) wrong.push(`${recorder.name} cannot come back`);
    recorder.drop(random);
  }
  const logs = await readLogs(service.url, ROOMS);
  wrong.push(...violationsOf(logs, senders, recorders));
  const stored = [...logs.values()].reduce((sum, log) => sum + log.length, 0);
  const connections = recorders.reduce((sum, recorder) => sum + recorder.connections, 0);
  report(`${String(stored)} messages stored, ${String(total(senders, ({ acked }) => acked.size))} acked, ${String(connections)} times resumed`); // prettier-ignore
  return wrong;
}

async function comeAndGo(
  recorder: Recorder,
  url: string,
  random: Random,
  isOver: { value: boolean },
): Promise<void> {
  while (!isOver.value) {
    if (!recorder.connected && !(await recorder.connect(url, random))) await wait(PAUSE);
    else await Promise.race([recorder.hears(random.between(1, 200)), wait(LONGEST_ROUND)]);
    if (random.next() < 0.3) recorder.drop(random);
  }
}

function total(senders: readonly AckedSender[], count: (sender: AckedSender) => number): number {
  return senders.reduce((sum, sender) => sum + count(sender), 0);
}
