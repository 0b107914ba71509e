/** What Node's HTTP server allows a client. */
export const HTTP_LIMITS = {
  headersTimeout: 10_000, // ms
  requestTimeout: 15_000, // ms
  connectionsCheckingInterval: 1_000, // ms; Node's own 30 s would let slow headers live that long
};
