import type { DefaultEventsMap, EnvelopeSocket, EventsMap } from 'nestjs-envelope';

export type Role = 'admin';

/** Who somebody is, as the access token says, and as `JwtStrategy` leaves it in `request.user` and `client.user`. */
export interface User {
  sub: string;
  roles: Role[];
  /** When the token ends, in seconds since the epoch. */
  exp: number;
}

/** A client behind `JwtAuthGuard`. */
export interface UserSocket<Emit extends EventsMap = DefaultEventsMap, Data = unknown> extends EnvelopeSocket<
  DefaultEventsMap,
  Emit,
  DefaultEventsMap,
  Data
> {
  user: User;
}
