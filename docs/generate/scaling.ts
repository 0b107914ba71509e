import { alignedTable } from "../../bench/report/alignedTable";
import type { Results } from "../../bench/report/results";
import type { TargetName } from "../../bench/process/target";
import { CLIENTS as CLIENTS_OF_PRESENCE_FORMS } from "../../bench/scenarios/presenceForms";
import { DEFAULT_LIMITS } from "../../src/connections/limits";

const PLACEHOLDER = /\{\{(\w+)\}\}/g;
const TABLE = /(?:^\|.*\n)+/gm;

/**
 * docs/SCALING.md: the template, with each `{{name}}` replaced by the figure of that name. Throws for a name without a
 * figure, and for a figure that the template does not use.
 */
export function scalingDocument(template: string, results: Results): string {
  const known = figures(results);
  const unused = new Set(Object.keys(known));
  const filled = template.replace(PLACEHOLDER, (_, name: string) => {
    const figure = known[name];
    if (figure === undefined) throw new Error(`scaling.template.md: there is no figure ${name}`);
    unused.delete(name);
    return figure;
  });
  if (unused.size > 0) throw new Error(`scaling.template.md does not use ${[...unused].join(", ")}`);
  return filled.replace(TABLE, (table) => `${alignedTable(rowsOf(table))}\n`);
}

/** The cells of a Markdown table, without the line under its title. */
function rowsOf(table: string): string[][] {
  const [title = "", , ...rest] = table.trimEnd().split("\n");
  return [title, ...rest].map((line) =>
    line
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim()),
  );
}

const PROMISED_LATENCY_MS = 100;
const MANY_CLIENTS = 1_000_000;
const KEY_TTL_SECONDS = 600;

/** Every figure of the template: what was measured, and what follows from it. */
function figures(results: Results): Record<string, string> {
  const median = (scenario: string, target: TargetName, metric: string): number => {
    const value = results.scenarios[scenario]?.medians[target]?.[metric];
    if (value === undefined)
      throw new Error(`bench/results.json has no ${metric} of ${target} in ${scenario}`);
    return value;
  };
  const redis = (metric: string): number => median("redisMemory", "twoNodes", metric);

  const connectionBytes = median("memoryPerIdleConnection", "service", "bytesPerConnection");
  const writeUs = 1e6 / median("fanOut500", "bareWs", "deliveriesPerSecond");
  const flushMs = (clients: number): number => (clients * writeUs) / 1_000;
  const clientsPerNode = roundDown(PROMISED_LATENCY_MS / flushMs(1));
  const nodes = Math.ceil(MANY_CLIENTS / clientsPerNode);
  const redisUs = redis("cpuMicrosecondsPerMessage");
  const readerUs = median("redisReaders", "twoNodes", "microsecondsPerReader");
  const readBytes = redis("bytesOutPerMessage") / 2; // two nodes read
  const bytesPerMessage = redis("bytesPerMessage");
  const bytesPerKey = redis("bytesPerKey");
  const userBytes = median("presenceForms", "service", "snapshotMoveBytes") / CLIENTS_OF_PRESENCE_FORMS ** 2;
  const usersTimesClients = DEFAULT_LIMITS.presenceBytesPerSecond / userBytes; // one snapshot a second

  return {
    connection: bytes(connectionBytes),
    deliveries: perSecond(median("fanOut500", "service", "deliveriesPerSecond")),
    latencyP50: ms(median("latency", "service", "p50")),
    latencyP99: ms(median("latency", "service", "p99")),
    connections: perSecond(median("connectionsPerSecond", "service", "connectionsPerSecond")),
    bareDeliveries: perSecond(median("fanOut500", "bareWs", "deliveriesPerSecond")),
    write: `${number(writeUs)} µs`,
    flushOf1000: ms(flushMs(1_000)),
    flushOf10000: ms(flushMs(10_000)),
    flushOf50000: ms(flushMs(50_000)),
    memoryOf1000: bytes(1_000 * connectionBytes),
    memoryOf10000: bytes(10_000 * connectionBytes),
    memoryOf50000: bytes(50_000 * connectionBytes),

    scripts: number(redis("scriptsPerMessage")),
    reads: number(redis("readsPerMessage")),
    redisTime: `${number(redisUs)} µs`,
    scriptTime: `${number(redis("microsecondsPerScript"))} µs`,
    redisMessages: number(1e6 / redisUs),
    bytesIn: bytes(redis("bytesInPerMessage")),
    bytesOut: bytes(redis("bytesOutPerMessage")),
    readBytes: bytes(readBytes),
    messageMemory: bytes(bytesPerMessage),
    keyMemory: bytes(bytesPerKey),
    acked: perSecond(median("ackedAppends", "twoNodes", "ackedPerSecond")),
    crossNodeP50: ms(median("crossNodeLatency", "twoNodes", "p50")),
    crossNodeP99: ms(median("crossNodeLatency", "twoNodes", "p99")),
    reader: `${number(readerUs)} µs`,
    memoryOf40000Messages: bytes(40_000 * bytesPerMessage),
    keysAt100: bytes(100 * KEY_TTL_SECONDS * bytesPerKey),
    keysAt10000: bytes(10_000 * KEY_TTL_SECONDS * bytesPerKey),
    acknowledgedElsewhere: ms(median("takeOver", "twoNodes", "servedMs")),
    presenceGone: `${number(median("takeOver", "twoNodes", "presenceGoneMs") / 1_000)} s`,

    clientsPerNode: number(clientsPerNode),
    nodes: number(nodes),
    memoryPerNode: bytes(clientsPerNode * connectionBytes),
    wakeUps: number(nodes * 100),
    wakeUpShare: `${number(nodes * 100 * readerUs * 1e-4)} %`,
    readBytesAt100: `${bytes(nodes * 100 * readBytes)}/s`,
    readBytesAt1000: `${bytes(nodes * 1_000 * readBytes)}/s`,
    singleReads: number(1e6 / (nodes * readerUs)),
    userBytes: bytes(userBytes),
    usersTimesClients: number(usersTimesClients),
    usersOnOneNode: number(Math.sqrt(usersTimesClients)),
    nodesOf10000Users: number(Math.ceil(10_000 ** 2 / usersTimesClients)),
  };
}

/** Three significant digits at most, thousands apart. */
function number(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en-US", { maximumSignificantDigits: 3 });
}

/** The largest number of two significant digits that is not above the value. */
function roundDown(value: number): number {
  const digit = 10 ** (Math.floor(Math.log10(value)) - 1);
  return Math.floor(value / digit) * digit;
}

function perSecond(value: number): string {
  return value >= 1e6 ? `${number(value / 1e6)} million/s` : `${number(value)}/s`;
}

function ms(value: number): string {
  return `${number(value)} ms`;
}

function bytes(value: number): string {
  const [divisor, unit] =
    value >= 1e9 ? [1e9, "GB"] : value >= 1e6 ? [1e6, "MB"] : value >= 1e3 ? [1e3, "kB"] : [1, "B"];
  return `${number(value / divisor)} ${unit}`;
}
