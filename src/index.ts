/** What the package exports. Importing it starts nothing; the process that serves is main.ts. */
export { App } from "./app";
export { ChatService, type ChatServiceOptions, type Stores } from "./chat/chatService";
export { createSharedParts, type SharedParts, type SharedPartsOptions } from "./chat/sharedParts";
export { ConfigError, loadConfig, type Config } from "./config";
