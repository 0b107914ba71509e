import { ConnectionCaps } from "../../src/connections/admission";

test("the caps hold for all connections and for each address, and a closed connection makes room", () => {
  const caps = new ConnectionCaps({ maxConnections: 3, maxConnectionsPerIp: 2 });
  caps.add("a");
  caps.add("a");
  expect([caps.isFull("a"), caps.isFull("b")]).toEqual([true, false]);
  caps.add("b");
  expect(caps.isFull("c")).toBe(true);
  caps.remove("a");
  expect([caps.isFull("a"), caps.isFull("c")]).toEqual([false, false]);
});

test("0 is no cap", () => {
  const caps = new ConnectionCaps({ maxConnections: 0, maxConnectionsPerIp: 0 });
  for (let i = 0; i < 100; i += 1) caps.add("a");
  expect(caps.isFull("a")).toBe(false);
});
