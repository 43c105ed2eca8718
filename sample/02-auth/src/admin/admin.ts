import type { DefaultEventsMap, EnvelopeServer } from 'nestjs-envelope';
import type { UserSocket } from '../auth/user.js';

export interface Online {
  user: string;
  tabs: number;
  /** When the first tab connected, in milliseconds since the epoch. */
  since: number;
}

/** The events that `/admin` emits. */
export interface AdminSent {
  online: (users: Online[]) => void;
}

export type AdminServer = EnvelopeServer<DefaultEventsMap, AdminSent>;
export type AdminSocket = UserSocket<AdminSent>;
