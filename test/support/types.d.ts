/** Client of generation 2, installed under this name beside the current one. */
declare module "socket.io-client-v2" {
  export default function io(url: string, options?: object): unknown;
}
