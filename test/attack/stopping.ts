import { setTimeout as pause } from "node:timers/promises";
import { range } from "../support/numbers";
import { startStopwatch } from "../support/stopwatch";
import { TcpProxy } from "../support/tcpProxy";
import { AttackClient } from "./attackClient";
import type { Outcome } from "./outcome";
import { createBacking, startScene, type Attack, type Backing } from "./scene";

const CLIENTS = 20; // of each kind
const STOPS_WITHIN_MS = 5_000;
const CAP = 20;
const SIZES = { full: { attemptsForMs: 45_000 }, small: { attemptsForMs: 8_000 } };
const ATTEMPT_INTERVAL_MS = 500;
const RECOUNT_AFTER_MS = 200; // a place may be given away before this process notices the close of its last owner
const LEAVE = "41"; // the service then closes the connection

/** Clients that vanished, and clients that ignore the close: they delay no stop and hold no place. */
export const stopping: Attack = {
  name: "stopping",
  stores: ["embedded", "redis"],
  async run({ store, size, outcome }) {
    const backing = await createBacking(store);
    await stop(backing, outcome);
    await fillPlaces(backing, SIZES[size].attemptsForMs, outcome);
  },
};

async function stop(backing: Backing, outcome: Outcome): Promise<void> {
  const { service, port } = await startScene(backing);
  const proxy = await TcpProxy.to(port);
  const ports = [...range(CLIENTS).map(() => proxy.port), ...range(CLIENTS).map(() => port)];
  const clients = ports.map((each) => new AttackClient(each));
  await Promise.all(clients.map(({ connected }) => connected));
  proxy.silence();
  const elapsedMs = startStopwatch();
  service.child.kill("SIGTERM");
  const { code, signal } = await service.exited;
  outcome.atMost("from SIGTERM to the exit", elapsedMs(), STOPS_WITHIN_MS, "ms");
  outcome.expect("the exit code is 0", code === 0, `(${String(code ?? signal)})`);
  outcome.expect("it stopped in order", service.lines.at(-1)?.msg === "stopped");
}

/** Connects again and again; those that are admitted leave, and keep their sockets open. Half of them never enter. */
async function fillPlaces(backing: Backing, forMs: number, outcome: Outcome): Promise<void> {
  const { service, port } = await startScene(backing, { MAX_CONNECTIONS: String(CAP) });
  const clients: AttackClient[] = [];
  const held = () => clients.filter(({ isOpen, isClosed }) => isOpen && !isClosed).length;
  let most = 0;
  for (const start = performance.now(); performance.now() - start < forMs;) {
    const attempts = range(CAP).map((index) => new AttackClient(port, { connects: index % 2 === 0 }));
    clients.push(...attempts);
    for (const client of attempts)
      void client.connected.then((isConnected) => isConnected && client.send(LEAVE));
    await pause(ATTEMPT_INTERVAL_MS);
    const first = held();
    if (first > most) await pause(RECOUNT_AFTER_MS);
    most = Math.max(most, Math.min(first, held()));
  }
  outcome.atMost(`sockets with MAX_CONNECTIONS=${String(CAP)}`, most, CAP, "sockets");
  for (const client of clients) client.end();
  service.child.kill("SIGKILL");
  await service.exited;
}
