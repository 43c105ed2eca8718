import { parseCookie, stringifySetCookie } from 'cookie';

/** One for each user: a browser may be signed in as several, each in a tab of its own. */
const nameOf = (user: string): string => `refresh-${encodeURIComponent(user)}`;

export interface CookieSettings {
  /** Seconds; 0 takes it back. */
  maxAge: number;
  /** Over TLS only. */
  secure: boolean;
}

/** The header `Set-Cookie`. Scripts cannot read it, other sites cannot send it, and no other route gets it. */
export function refreshCookie(user: string, token: string, settings: CookieSettings): string {
  return stringifySetCookie({
    name: nameOf(user),
    value: token,
    httpOnly: true,
    sameSite: 'strict',
    path: '/refresh',
    ...settings,
  });
}

export function readRefreshCookie(user: string, header = ''): string {
  return parseCookie(header)[nameOf(user)] ?? '';
}
