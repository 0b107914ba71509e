import { MemoryPresenceStore } from "../../src/presence/memoryPresenceStore";
import { describePresenceStore } from "./presenceStoreContract";

describePresenceStore("memory", (roomNames) => new MemoryPresenceStore(roomNames));
