import icon from '../ui/icon.svg';
import { Avatar } from './avatar.js';
import { PEOPLE } from './people.js';

/** Asks who sits in front of this tab. */
export function SignIn({ onChoose }: { readonly onChoose: (id: string) => void }) {
  return (
    <main className="sign-in">
      <img src={icon} alt="" width="56" height="56" />
      <h1>Who are you today?</h1>
      <p>Choose a colleague. In a second tab, be somebody else.</p>
      <ul>
        {PEOPLE.map(({ id, name }) => (
          <li key={id}>
            <button type="button" onClick={() => onChoose(id)}>
              <Avatar id={id} size="large" />
              {name}
            </button>
          </li>
        ))}
      </ul>
    </main>
  );
}
