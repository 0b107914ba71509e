import type { Metrics } from "../../observability/metrics";
import type { PresenceStore } from "../../presence/presenceStore";
import type { ByteBudget } from "./byteBudget";
import type { PresenceGroupsOptions } from "./presenceGroups";

/** What each of the two forms works with. */
export interface PresenceFormOptions extends PresenceGroupsOptions {
  store: PresenceStore;
  budget: ByteBudget;
  metrics: Metrics;
  countFlush: (events: number, deliveries: number) => void;
}
