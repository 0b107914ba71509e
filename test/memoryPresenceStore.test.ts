import { MemoryPresenceStore } from "../src/presence/memoryPresenceStore";
import { describePresenceStore } from "./contracts/presenceStoreContract";

describePresenceStore("memory", (roomNames) => new MemoryPresenceStore(roomNames));
