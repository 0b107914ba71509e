import { clientAddress } from "../../src/access/request";

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
