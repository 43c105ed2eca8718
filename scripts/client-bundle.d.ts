export function bundleClient(entry: string): Promise<string>;
export function brotliSize(text: string): number;
