import { createContext, use, useCallback, useState, type ReactNode } from 'react';

const Announce = createContext<(text: string) => void>(() => undefined);

/** Returns a function that says a text to people who use a screen reader, when they have a pause. */
export const useAnnounce = (): ((text: string) => void) => use(Announce);

export function Announcer({ children }: { readonly children: ReactNode }) {
  const [{ text, count }, setText] = useState({ text: '', count: 0 });
  const announce = useCallback(
    (next: string) => setText((before) => ({ text: next, count: before.count + 1 })),
    [],
  );
  return (
    <Announce value={announce}>
      {children}
      <div role="status" className="visually-hidden">
        {/* a new element is read also where its text is the same */}
        <p key={count}>{text}</p>
      </div>
    </Announce>
  );
}
