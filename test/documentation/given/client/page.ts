export const session = (): Promise<{ token: string }> => Promise.resolve({ token: 'a token' });
export const show = (..._what: unknown[]): void => undefined;
export const status = (_status: 'reconnecting' | 'closed'): void => undefined;
export const reload = (): void => undefined;
