import type { DefaultEventsMap, EnvelopeServer } from 'nestjs-envelope';
import type { UserSocket } from '../auth/user.js';

export interface Online {
  user: string;
  tabs: number;
  /** When the first of them connected, in milliseconds since the epoch. */
  since: number;
}

/** What `/admin` sends unasked. */
export interface AdminSent {
  online: (users: Online[]) => void;
}

export type AdminServer = EnvelopeServer<DefaultEventsMap, AdminSent>;
export type AdminSocket = UserSocket<AdminSent>;
