import type { Metrics } from "../../observability/metrics";
import type { PresenceStore } from "../../presence/presenceStore";
import type { FanOut } from "../fanOut";
import type { ByteBudget } from "./byteBudget";

/** What PresenceSnapshots and PresenceDiffs need. */
export interface PresenceSenderDeps {
  store: PresenceStore;
  fanOut: FanOut;
  metrics: Metrics;
  /** Limits the bytes over all receivers. */
  budget: ByteBudget;
}
