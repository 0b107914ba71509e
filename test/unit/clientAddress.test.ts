import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { clientAddress } from "../../src/access/request";
import { range } from "../support/numbers";

const PEER = "10.0.0.1";

function addressOf(forwarded: string | undefined, trustProxy: number): string {
  const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded };
  return clientAddress({ headers, socket: { remoteAddress: PEER } }, trustProxy);
}

test("without a trusted proxy the peer's address counts, whatever the header says", () => {
  expect(addressOf("192.0.2.1", 0)).toBe(PEER);
});

test.each([
  ["192.0.2.9, 192.0.2.1", 1, "192.0.2.1"],
  ["192.0.2.9,192.0.2.1", 2, "192.0.2.9"],
  [" , 192.0.2.1 ", 1, "192.0.2.1"],
  ["192.0.2.1,", 1, "192.0.2.1"],
])("of the entries %j, the one %d places from the right counts", (forwarded, trustProxy, address) => {
  expect(addressOf(forwarded, trustProxy)).toBe(address);
});

test.each([
  ["192.0.2.1", 2],
  ["", 1],
  [undefined, 1],
])("with the entries %j and %d trusted proxies the peer's address counts", (forwarded, trustProxy) => {
  expect(addressOf(forwarded, trustProxy)).toBe(PEER);
});

test("a socket that is closed already has an unknown address", () => {
  expect(clientAddress({ headers: {}, socket: {} }, 0)).toBe("unknown");
});

test("an entry of any length counts with 64 characters", () => {
  expect(addressOf("x".repeat(15_000), 1)).toBe("x".repeat(64));
});

test("an address that is kept does not keep its header in memory", () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const headerOf = (index: number) =>
    Buffer.from(`${"x".repeat(15_000)}, 2001:db8::1:${String(index)}`).toString();
  collectGarbage();
  const bytesBefore = process.memoryUsage().heapUsed;
  const addresses = range(1_000, 1_000).map((index) => addressOf(headerOf(index), 1));
  collectGarbage();
  expect(process.memoryUsage().heapUsed - bytesBefore).toBeLessThan(1_000_000); // the headers have 15 MB
  expect(addresses[0]).toBe("2001:db8::1:1000");
});
