import { readFileSync } from "node:fs";
import { VARIABLES } from "../../src/config";
import { REFUSALS } from "../../src/protocol/refusals";
import { Metrics } from "../../src/observability/metrics";
import { EVENTS } from "../../src/protocol/events";

const README = readFileSync("README.md", "utf8");
const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };

/** First cells of the tables under a heading. */
function firstCells(heading: string): string[] {
  return [...section(heading).matchAll(/^\| `([^`]+)`/gm)].map(([, cell]) => cell ?? "");
}

/** The text under a heading, down to the next heading of any level. */
function section(heading: string): string {
  return README.split(`${heading}\n`)[1]?.split(/\n#+ /)[0] ?? "";
}

test("README names no environment variable that does not exist", () => {
  const named = firstCells("## Configuration");
  expect(named.length).toBeGreaterThan(0);
  for (const name of named) expect(Object.keys(VARIABLES)).toContain(name);
});

test("README lists every refusal with its status, and no other", () => {
  const rows = section("### Refusals").matchAll(/^\| `([^`]+)`\s+\| (\d+)/gm);
  const documented = [...rows].map(([, message, status]) => `${String(status)} ${String(message)}`);
  const known = Object.values(REFUSALS).map(({ message, status }) => `${String(status)} ${message}`);
  expect(documented.sort()).toEqual(known.sort());
});

test("README lists every event, and no other", () => {
  const documented = [...firstCells("### From the client"), ...firstCells("### From the server")];
  expect(documented.sort()).toEqual(Object.values(EVENTS).sort());
});

test("README lists every metric of the service's own, and no other", async () => {
  const metrics = new Metrics();
  metrics.addGauges({ connections: () => [], pendingBytes: () => 0 });
  const counted = [...(await metrics.text()).matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  expect(firstCells("## Operations").sort()).toEqual(counted.sort());
});

test("README's commands exist", () => {
  const commands = [...README.matchAll(/npm run ([a-z:]+)/g)].map(([, name]) => name ?? "");
  expect(commands.length).toBeGreaterThan(0);
  for (const name of [...commands, "start", "test"]) expect(scripts).toHaveProperty(name);
});
