import { useState } from 'react';
import { EnvelopeProvider } from './envelope.js';
import { ordersUrl } from './events.js';
import { Board } from './orders/board.js';
import { personOf } from './people/people.js';
import { SignIn } from './people/sign-in.js';
import { Announcer } from './ui/announcer.js';

/** Of this tab alone: another tab can be another person. */
const KEY = 'person';

export function App() {
  const [me, setMe] = useState(() => personOf(sessionStorage.getItem(KEY) ?? '')?.id);
  const choose = (id: string | undefined): void => {
    if (id === undefined) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, id);
    setMe(id);
  };
  if (me === undefined) return <SignIn onChoose={choose} />;
  return (
    <Announcer>
      <EnvelopeProvider key={me} url={ordersUrl('')} auth={me}>
        <Board me={me} onLeave={() => choose(undefined)} />
      </EnvelopeProvider>
    </Announcer>
  );
}
