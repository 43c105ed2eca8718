import { parseCookie, stringifySetCookie } from 'cookie';

/** One cookie per user: one browser may be signed in as several users, each in another tab. */
const nameOf = (user: string): string => `refresh-${encodeURIComponent(user)}`;

export interface CookieSettings {
  /** Seconds; 0 deletes the cookie. */
  maxAge: number;
  /** Whether the browser sends it over TLS only. */
  secure: boolean;
}

/**
 * Returns the header `Set-Cookie`. Scripts cannot read the cookie, other sites cannot send it, and only `/refresh`
 * receives it.
 */
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
