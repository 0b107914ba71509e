// What `import` gets; one copy of the code serves it and `require`, so that `instanceof` holds across both.
export { ChatClient, ChatClientError } from "./chatClient.js";
export type * from "./chatClient.js";
