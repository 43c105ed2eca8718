import { useSyncExternalStore } from 'react';

// The open order is in the address: the back button closes it, and a link opens it.

function subscribe(listener: () => void): () => void {
  addEventListener('hashchange', listener);
  return () => removeEventListener('hashchange', listener);
}

const read = (): number | undefined => Number(/^#\/(\d+)$/.exec(location.hash)?.[1]) || undefined;

export const useOpenOrder = (): number | undefined => useSyncExternalStore(subscribe, read);

export const addressOf = (id: number): string => `#/${id}`;

export const linkId = (id: number): string => `order-${id}`;

export function closeOrder(): void {
  location.hash = '#/';
}
