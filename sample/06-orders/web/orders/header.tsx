import { Avatar } from '../people/avatar.js';
import { namesOf, personOf } from '../people/people.js';
import icon from '../ui/icon.svg';
import { ConnectionStatus } from './connection-status.js';

interface HeaderProps {
  readonly me: string;
  readonly online: readonly string[];
  readonly isOffline: boolean;
  readonly onLeave: () => void;
}

export function Header({ me, online, isOffline, onLeave }: HeaderProps) {
  const others = online.filter((person) => person !== me);
  return (
    <header className="top">
      <img src={icon} alt="" width="36" height="36" />
      <div className="title">
        <h1>Orders</h1>
        <p>Saltwater Coffee Roasters</p>
      </div>
      <ConnectionStatus isOffline={isOffline} />
      {others.length > 0 && (
        <p className="colleagues">
          {others.map((person) => (
            <Avatar key={person} id={person} />
          ))}
          <span className="visually-hidden">
            {namesOf(others)} {others.length > 1 ? 'are' : 'is'} online
          </span>
        </p>
      )}
      <button type="button" className="me" onClick={onLeave}>
        <Avatar id={me} />
        <span>
          {personOf(me)?.name}
          <span className="visually-hidden">: be somebody else</span>
        </span>
      </button>
    </header>
  );
}
