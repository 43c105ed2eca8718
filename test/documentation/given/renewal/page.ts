export const session = (): Promise<{ token: string }> => Promise.resolve({ token: 'a token' });
