declare module 'prom-client' {
  export const register: { readonly contentType: string; metrics(): Promise<string> };
}
