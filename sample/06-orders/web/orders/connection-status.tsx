import { useEffect, useRef } from 'react';
import { useConnectionState, useSocket } from '../envelope.js';
import { useAnnounce } from '../ui/announcer.js';

export function ConnectionStatus({ isOffline }: { readonly isOffline: boolean }) {
  const socket = useSocket();
  const state = useConnectionState();
  const announce = useAnnounce();
  const wasOpen = useRef(false);
  const isOpen = state === 'open';
  useEffect(() => {
    if (isOpen && wasOpen.current) announce('Connected again');
    if (!isOpen && wasOpen.current) announce('The connection is lost. You can go on: edits wait.');
    if (isOpen) wasOpen.current = true;
  }, [isOpen, announce]);

  return (
    <div className="connection" data-state={isOffline ? 'offline' : state}>
      <span className="dot" aria-hidden="true" />
      <span>{isOpen ? 'Live' : isOffline ? 'Offline' : 'Connecting'}</span>
      {isOffline && (
        <button type="button" onClick={() => socket.connect()}>
          Try now
        </button>
      )}
    </div>
  );
}
