import { Metrics } from "../../src/observability/metrics";

test("a further audience of an event goes on with the event's counts", async () => {
  const metrics = new Metrics();
  metrics.flushesOf("message")(3, 30);
  metrics.flushesOf("message")(4, 40);
  const text = await metrics.text();
  expect(text).toContain('chat_batch_events_count{event="message"} 2\n');
  expect(text).toContain('chat_batch_events_sum{event="message"} 7\n');
  expect(text).toContain('chat_deliveries_total{event="message"} 70\n');
});
