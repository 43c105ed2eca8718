import { createServer, type Server } from 'node:http';

/**
 * Creates an HTTP server for gateways that name a port, and listens on all addresses. It answers plain requests with 426.
 *
 * @param onError receives the errors of the server, such as `EADDRINUSE`
 */
export function createPortServer(port: number, onError: (error: Error) => void): Server {
  const server = createServer((_request, response) => {
    response.writeHead(426, { 'Content-Type': 'text/plain', Upgrade: 'websocket' }).end('Upgrade Required');
  });
  server.on('error', onError);
  return server.listen(port);
}
