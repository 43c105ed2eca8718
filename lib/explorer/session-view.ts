import type { INestApplication } from '@nestjs/common';
import { findAdapter } from '../nest/gateways/find-adapter.js';

/** What the page may know of its own connection beyond the wire. */
export interface SessionView {
  readonly id: string;
  /** As the application joined them: without that of the socket itself. */
  readonly rooms: readonly string[];
  readonly connected: boolean;
  readonly recovered: boolean;
}

/**
 * Finds a connection of this process by its id. Who knows the id is the client itself: it has 120 random bits, and is
 * told to nobody else by this package. Of what the application keeps with the client nothing is shown.
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
