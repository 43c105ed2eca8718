import type { INestApplication } from '@nestjs/common';
import { findAdapter } from '../nest/gateways/find-adapter.js';

/** What the page shows about its connection that the connection itself does not carry. */
export interface SessionView {
  readonly id: string;
  /** The rooms that the application joined, without the room of the socket's id. */
  readonly rooms: readonly string[];
  readonly connected: boolean;
  readonly recovered: boolean;
}

/**
 * Returns a connection of this process by its id; `undefined` if the process has none with this id. Only the client itself knows the
 * id: it has 120 random bits, and this package sends it to no other client. The result contains no data that the application
 * stores with the client.
 */
export function viewSession(app: INestApplication, id: string): SessionView | undefined {
  for (const server of findAdapter(app)?._servers() ?? []) {
    const socket = server.sockets.get(id);
    if (socket === undefined) continue;
    const { connected, recovered } = socket;
    const rooms = [...socket.rooms].filter((room) => room !== id).map(String);
    return { id, rooms: rooms.sort(), connected, recovered };
  }
  return undefined;
}
