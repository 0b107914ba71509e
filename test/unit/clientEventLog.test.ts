import { pino } from "pino";
import { ClientEventLog } from "../../src/observability/logger";

const LIMIT = 50;

interface Line {
  msg: string;
  suppressed?: number;
}

function start(level = "info"): { log: ClientEventLog; lines: Line[]; moveTo: (ms: number) => void } {
  const lines: Line[] = [];
  const logger = pino({ level }, { write: (line) => lines.push(JSON.parse(line) as Line) });
  let now = 0;
  return { log: new ClientEventLog(logger, () => now), lines, moveTo: (ms) => (now = ms) };
}

test("50 lines a second of one kind are written; the next second's first line says how many were left out", () => {
  const { log, lines, moveTo } = start();
  for (let i = 0; i < LIMIT + 7; i += 1) log.warn("refused", { i });
  expect(lines).toHaveLength(LIMIT);
  moveTo(1_000);
  log.warn("refused", {});
  log.warn("refused", {});
  expect(lines.slice(LIMIT).map(({ suppressed }) => suppressed)).toEqual([7, undefined]);
});

test("kinds have limits of their own", () => {
  const { log, lines } = start();
  for (let i = 0; i < LIMIT + 1; i += 1) log.info("connected", {});
  log.info("disconnected", {});
  expect(lines.at(-1)?.msg).toBe("disconnected");
});

test("a line below the logger's level is neither written nor counted", () => {
  const { log, lines, moveTo } = start("warn");
  for (let i = 0; i < 2 * LIMIT; i += 1) log.info("connected", {});
  log.warn("connected", {});
  moveTo(1_000);
  log.warn("connected", {});
  expect(lines.map(({ suppressed }) => suppressed)).toEqual([undefined, undefined]);
});
