/** socket.io-client 2.x, installed under this name beside 4.x. */
declare module "socket.io-client-v2" {
  export default function io(url: string, options?: object): unknown;
}
