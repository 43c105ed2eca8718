import type { DefaultEventsMap, EnvelopeSocket, EventsMap } from 'nestjs-envelope';

export type Role = 'admin';

/** The claims of an access token. `JwtStrategy` sets them as `request.user` and `client.user`. */
export interface User {
  sub: string;
  roles: Role[];
  /** When the token expires, in seconds since the epoch. */
  exp: number;
}

/** A client of a gateway with `JwtAuthGuard`. */
export interface UserSocket<Emit extends EventsMap = DefaultEventsMap, Data = unknown> extends EnvelopeSocket<
  DefaultEventsMap,
  Emit,
  DefaultEventsMap,
  Data
> {
  user: User;
}
