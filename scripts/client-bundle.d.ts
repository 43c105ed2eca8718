export function bundleClient(...entries: string[]): Promise<string>;
export function brotliSize(text: string): number;
